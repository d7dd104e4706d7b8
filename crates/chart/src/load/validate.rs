//! What `Chart.yaml` must say, and the letters that are taken out of it.

use std::collections::BTreeSet;

use crate::{
    chart::{Dependency, Maintainer, Metadata},
    format::{quoted, unicode},
    functions::semver,
};

/// Cleans the texts of `Chart.yaml`, and refuses what Helm refuses, in its order and words.
pub(super) fn validate(
    metadata: &mut Metadata,
    maintainers: &mut [Option<Maintainer>],
    dependencies: &mut [Option<Dependency>],
) -> Result<(), String> {
    own(metadata)?;
    for maintainer in maintainers {
        let Some(it) = maintainer else { return invalid("maintainers must not contain empty or null nodes") };
        [&mut it.name, &mut it.email, &mut it.url].into_iter().for_each(clean);
    }
    let mut names = BTreeSet::new();
    for dependency in dependencies {
        let Some(it) = dependency else { return invalid("dependencies must not contain empty or null nodes") };
        [&mut it.name, &mut it.version, &mut it.repository, &mut it.condition].into_iter().for_each(clean);
        it.tags.iter_mut().for_each(clean);
        if !it.alias.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            let name = quoted(it.name.as_bytes());
            return invalid(&format!("dependency {name} has disallowed characters in the alias"));
        }
        let name = if it.alias.is_empty() { &it.name } else { &it.alias };
        if !names.insert(name.as_str()) {
            let name = quoted(name.as_bytes());
            return invalid(&format!("more than one dependency with name or alias {name}"));
        }
    }
    Ok(())
}

impl Metadata {
    /// Cleans its texts, and says what Helm would refuse it for.
    pub fn validate(&mut self) -> Result<(), String> {
        let mut maintainers: Vec<_> = std::mem::take(&mut self.maintainers).into_iter().map(Some).collect();
        let mut dependencies: Vec<_> = std::mem::take(&mut self.dependencies).into_iter().map(Some).collect();
        let outcome = validate(self, &mut maintainers, &mut dependencies);
        self.maintainers = maintainers.into_iter().flatten().collect();
        self.dependencies = dependencies.into_iter().flatten().collect();
        outcome
    }
}

fn own(it: &mut Metadata) -> Result<(), String> {
    let texts = [
        &mut it.name,
        &mut it.description,
        &mut it.home,
        &mut it.icon,
        &mut it.condition,
        &mut it.tags,
        &mut it.app_version,
        &mut it.kube_version,
    ];
    texts.into_iter().chain(&mut it.sources).chain(&mut it.keywords).for_each(clean);
    if it.api_version.is_empty() {
        return invalid("chart.metadata.apiVersion is required");
    }
    if it.name.is_empty() {
        return invalid("chart.metadata.name is required");
    }
    if !is_one_name(&it.name) {
        return invalid(&format!("chart.metadata.name {} is invalid", quoted(it.name.as_bytes())));
    }
    if it.version.is_empty() {
        return invalid("chart.metadata.version is required");
    }
    if semver::Version::parse(&it.version).is_err() {
        return invalid(&format!("chart.metadata.version {} is invalid", quoted(it.version.as_bytes())));
    }
    if !matches!(it.kind.as_str(), "" | "application" | "library") {
        return invalid("chart.metadata.type must be application or library");
    }
    Ok(())
}

fn invalid(text: &str) -> Result<(), String> {
    Err(format!("validation: {text}"))
}

/// Whether a name is one path element, as Go's `filepath.Base` leaves it.
pub(crate) fn is_one_name(name: &str) -> bool {
    name == "/" || (!name.is_empty() && !name.contains('/'))
}

/// White space becomes spaces, and what cannot be printed goes.
fn clean(text: &mut String) {
    let is_clean = |letter: char| letter == ' ' || (unicode::is_print(letter) && !letter.is_whitespace());
    if !text.chars().all(is_clean) {
        *text = text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).filter(|letter| is_clean(*letter)).collect();
    }
}
