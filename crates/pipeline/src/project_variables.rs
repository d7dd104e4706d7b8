//! A project's variables while a pipeline is planned: conditions see their values, as at GitLab, and no plan has them.

use std::collections::BTreeMap;

use penstock_model::Secret;

use crate::expand::Raw;
use crate::variable_scope::scope_fits;

/// What stands where the value of a masked variable would.
pub(crate) const MASK: &str = "[MASKED]";

/// The variables of a project that reach a pipeline. They are asked while planning, and neither printed nor kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectVariables(Vec<ProjectVariable>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectVariable {
    /// Its name.
    pub name: String,
    /// For which environments it is; `None` for every job.
    pub scope: Option<String>,
    /// Its value; of a variable that is a file, the file's content.
    pub value: Secret,
    /// Whether it is hidden from whoever looks at a plan.
    pub masked: bool,
    /// Whether `$NAME` in it stands for another variable.
    pub expand: bool,
}

impl ProjectVariables {
    /// These, of which several may have one name and different scopes.
    pub fn new(variables: Vec<ProjectVariable>) -> Self {
        Self(variables)
    }

    /// The names of all, some of them more than once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|variable| &*variable.name)
    }

    /// Whether it matters which environment a job names.
    pub(crate) fn are_scoped(&self) -> bool {
        self.0.iter().any(|variable| variable.scope.is_some())
    }

    /// What a job of an environment sees, or whoever is of none: of one name the closest.
    pub(crate) fn reaching(&self, environment: Option<&str>) -> impl Iterator<Item = (&str, &ProjectVariable)> {
        let mut closest: BTreeMap<&str, ((u8, usize), &ProjectVariable)> = BTreeMap::new();
        for variable in &self.0 {
            let Some(rank) = scope_fits(variable.scope.as_deref(), environment) else { continue };
            let known = closest.entry(&variable.name).or_insert((rank, variable));
            if known.0 <= rank {
                *known = (rank, variable);
            }
        }
        closest.into_iter().map(|(name, (_, variable))| (name, variable))
    }
}

impl ProjectVariable {
    /// Its value before expansion. One that is masked is taken as it is, as in jobs.
    pub(crate) fn raw(&self) -> Raw {
        match (self.masked, self.expand) {
            (true, _) => Raw::Hidden(self.value.clone()),
            (false, true) => Raw::Template(self.value.expose().to_owned()),
            (false, false) => Raw::Literal(self.value.expose().to_owned()),
        }
    }
}
