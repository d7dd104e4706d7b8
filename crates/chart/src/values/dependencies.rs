//! Which of the charts inside a chart take part, under which name, and what of their values goes up to it.
//!
//! Helm changes the charts that it was given, and a chart that two aliases use is one object with two names: what is decided
//! for the dependencies of the first alias is seen by the second. Charts that were loaded are kept here and used again, so the work is
//! done on a [`Tree`] beside them, which shares what Helm shares.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use super::{
    coalesce::{Layer, Merger, Nulls},
    path::{Missing, at_path, table},
};
use crate::{
    budget::Budget,
    chart::{Chart, Dependency},
    function::Fault,
    functions::semver,
    value::{Map, Table, Value},
};

/// A chart whose dependencies are settled.
#[derive(Clone)]
pub struct Settled {
    /// The chart: those inside it that are enabled, by the names that they go by, and its values with what it imports.
    pub chart: Chart,
    /// What Helm would warn of.
    pub warnings: Vec<String>,
}

/// Not the warnings, in which values stand.
impl fmt::Debug for Settled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Settled").field("chart", &self.chart).finish_non_exhaustive()
    }
}

/// Settles the dependencies of a chart for these values: conditions, tags, aliases and `import-values`.
///
/// Installing and upgrading keep nulls while they import ([`Nulls::Keep`]); Helm's `lint` does not.
pub fn settle(chart: &Chart, given: &Table, nulls: Nulls, budget: &mut Budget) -> Result<Settled, Fault> {
    let mut tree = Tree::default();
    let root = tree.add(chart, None);
    if tree.nodes.iter().all(|node| node.needs.is_none()) {
        // nothing is declared: every chart is taken as it is
        return Ok(Settled { chart: tree.chart(root), warnings: Vec::new() });
    }
    let mut merger = Merger::new(budget);
    let given = merger.map_of(given)?;
    tree.enable(root, &given, "", &mut merger)?;
    tree.import_all(root, nulls, &mut merger)?;
    Ok(Settled { chart: tree.chart(root), warnings: merger.warnings })
}

/// A chart of a [`Tree`]. Ids are made by the tree that they are used with, and nothing is taken out of one.
pub(super) type NodeId = usize;
pub(super) type NeedId = usize;

/// A chart and those inside it, some of them in several places.
#[derive(Default)]
pub(super) struct Tree<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) needs: Vec<Need>,
}

/// A chart under the name it goes by.
#[derive(Clone)]
pub(super) struct Node<'a> {
    source: &'a Chart,
    name: String,
    /// None where nothing is declared: then the charts inside are left as they are.
    pub(super) needs: Option<Vec<NeedId>>,
    pub(super) values: Cow<'a, Table>,
    pub(super) inside: Vec<NodeId>,
    parent: Option<NodeId>,
}

/// A dependency that a chart declares; charts with several names share theirs.
pub(super) struct Need {
    pub(super) declared: Dependency,
    /// Whether its `import-values` were taken up once.
    pub(super) is_imported: bool,
}

impl<'a> Tree<'a> {
    fn add(&mut self, source: &'a Chart, parent: Option<NodeId>) -> NodeId {
        let declared = &source.metadata.dependencies;
        let needs = (!declared.is_empty() || source.metadata.has_empty_dependencies).then(|| {
            let from = self.needs.len();
            self.needs.extend(declared.iter().map(|declared| Need { declared: declared.clone(), is_imported: false }));
            (from..self.needs.len()).collect()
        });
        let id = self.nodes.len();
        self.nodes.push(Node {
            source,
            name: source.metadata.name.clone(),
            needs,
            values: Cow::Borrowed(&source.values),
            inside: Vec::new(),
            parent,
        });
        let inside = source.dependencies.iter().map(|chart| self.add(chart, Some(id))).collect();
        self.nodes[id].inside = inside;
        id
    }

    /// The values of a chart and those inside it, as they are now.
    pub(super) fn layer(&self, id: NodeId) -> Layer<'_> {
        let node = &self.nodes[id];
        Layer {
            name: Cow::Borrowed(&node.name),
            values: Cow::Borrowed(&node.values),
            inside: node.inside.iter().map(|inside| self.layer(*inside)).collect(),
        }
    }

    fn chart(&self, id: NodeId) -> Chart {
        let node = &self.nodes[id];
        let mut chart = Chart {
            metadata: node.source.metadata.clone(),
            lock: node.source.lock.clone(),
            values: node.values.clone().into_owned(),
            schema: node.source.schema.clone(),
            templates: node.source.templates.clone(),
            files: node.source.files.clone(),
            raw: node.source.raw.clone(),
            dependencies: node.inside.iter().map(|inside| self.chart(*inside)).collect(),
            path: self.path(id),
        };
        chart.metadata.name.clone_from(&node.name);
        chart.metadata.has_empty_dependencies = false;
        chart.metadata.dependencies = node.needs.iter().flatten().map(|need| self.needs[*need].declared.clone()).collect();
        chart
    }

    fn path(&self, id: NodeId) -> String {
        let node = &self.nodes[id];
        match node.parent {
            None => node.name.clone(),
            Some(parent) => format!("{}/charts/{}", self.path(parent), node.name),
        }
    }

    fn is(&self, id: NodeId, need: &Dependency) -> bool {
        let node = &self.nodes[id];
        node.name == need.name && semver::satisfies(&need.version, &node.source.metadata.version).unwrap_or_default()
    }

    fn set_inside(&mut self, id: NodeId, inside: Vec<NodeId>) {
        for chart in &inside {
            self.nodes[*chart].parent = Some(id);
        }
        self.nodes[id].inside = inside;
    }

    fn enable(&mut self, id: NodeId, given: &Map, path: &str, merger: &mut Merger<'_>) -> Result<(), Fault> {
        let Some(needs) = self.nodes[id].needs.clone() else { return Ok(()) };
        merger.budget.enter()?;
        self.name(id, &needs, merger.budget)?;
        let values = merger.copy(given)?;
        merger.chart(&self.layer(id), &values, "", Nulls::Remove)?;
        for need in &needs {
            self.decide_by_tags(*need, &values, merger)?;
        }
        for need in &needs {
            self.decide_by_condition(*need, &values, path, merger)?;
        }
        let disabled: BTreeSet<String> =
            needs.iter().map(|need| &self.needs[*need].declared).filter(|need| !need.enabled).map(|need| need.name.clone()).collect();
        let mut inside = self.nodes[id].inside.clone();
        inside.retain(|chart| !disabled.contains(&self.nodes[*chart].name));
        let left: Vec<_> = needs.into_iter().filter(|need| !disabled.contains(&self.needs[*need].declared.name)).collect();
        for chart in &inside {
            let path = format!("{path}{}.", self.nodes[*chart].name);
            self.enable(*chart, &values, &path, merger)?;
        }
        self.nodes[id].needs = (!left.is_empty()).then_some(left);
        self.set_inside(id, inside);
        merger.budget.leave();
        Ok(())
    }

    /// Gives the charts inside the names that they go by: those that no dependency names first, then one for each dependency.
    fn name(&mut self, id: NodeId, needs: &[NeedId], budget: &mut Budget) -> Result<(), Fault> {
        let there = self.nodes[id].inside.clone();
        // a constraint is read anew for each chart of its name
        let constraints = needs.iter().map(|need| 1 + self.needs[*need].declared.version.len() as u64);
        budget.step((1 + constraints.sum::<u64>()).saturating_mul(there.len() as u64))?;
        let mut inside: Vec<NodeId> =
            there.iter().copied().filter(|chart| !needs.iter().any(|need| self.is(*chart, &self.needs[*need].declared))).collect();
        for need in needs {
            let found = there.iter().find(|chart| self.is(**chart, &self.needs[*need].declared)).copied();
            let declared = &mut self.needs[*need].declared;
            if let Some(found) = found {
                budget.make(size_of::<Node<'_>>())?;
                let mut node = self.nodes[found].clone();
                if !declared.alias.is_empty() {
                    node.name.clone_from(&declared.alias);
                }
                inside.push(self.nodes.len());
                self.nodes.push(node);
            }
            if !declared.alias.is_empty() {
                declared.name.clone_from(&declared.alias);
            }
            declared.enabled = true;
        }
        self.set_inside(id, inside);
        Ok(())
    }

    fn decide_by_tags(&mut self, need: NeedId, values: &Map, merger: &mut Merger<'_>) -> Result<(), Fault> {
        let Ok(tags) = table(values, "tags") else { return Ok(()) };
        let declared = &mut self.needs[need].declared;
        let (mut is_on, mut is_off) = (false, false);
        for tag in &declared.tags {
            match tags.get(tag.as_bytes()) {
                None => {}
                Some(Value::Bool(true)) => is_on = true,
                Some(Value::Bool(false)) => is_off = true,
                Some(_) => merger.warn(format!("Warning: Tag '{tag}' for chart {} returned non-bool value", declared.name))?,
            }
        }
        declared.enabled = is_on || !is_off;
        Ok(())
    }

    /// The first path of a condition that leads to a truth decides, over what tags say.
    fn decide_by_condition(&mut self, need: NeedId, values: &Map, prefix: &str, merger: &mut Merger<'_>) -> Result<(), Fault> {
        let declared = &mut self.needs[need].declared;
        for path in declared.condition.trim().split(',').filter(|path| !path.is_empty()) {
            merger.budget.step((prefix.len() + path.len()) as u64 / 16 + 1)?;
            match at_path(values, &format!("{prefix}{path}")) {
                Ok(Value::Bool(it)) => {
                    declared.enabled = it;
                    break;
                }
                Ok(_) => {
                    merger.warn(format!("Warning: Condition path '{path}' for chart {} returned non-bool value", declared.name))?;
                }
                Err(Missing::Value(_) | Missing::Table(_)) => {}
            }
        }
        Ok(())
    }
}
