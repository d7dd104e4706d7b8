//! The tag release that a job makes, with its variables filled in.

use std::collections::BTreeMap;

use penstock_model::job::EnvValue;
use penstock_model::tag_release::{AssetLink, TagRelease};

use crate::expand::{Expanded, expand};
use crate::plan::PlannedJob;
use crate::reader::shown;

/// The longest name of a tag or a tag release.
const MAX_NAME: usize = 255;
/// The longest address.
const MAX_URL: usize = 2048;
/// The longest description, and the longest message of a tag, in bytes.
const MAX_DESCRIPTION: usize = 128 << 10;

/// What is to be published, and how its tag is made if it is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTagRelease {
    /// What is published.
    pub release: TagRelease,
    /// What an annotated tag says.
    pub tag_message: Option<String>,
    /// Where the tag is made: a branch, a tag or a commit; the run's commit unless given.
    pub reference: Option<String>,
}

/// The file below the checkout that may hold the description: GitLab's client takes a description that is a file's path for
/// that file, and any other one for the text itself.
pub(crate) fn description_file(job: &PlannedJob, env: &BTreeMap<String, EnvValue>) -> Option<String> {
    let values = values(env);
    let text = expand(&job.tag_release.as_ref()?.description, &values);
    let home = values.get("CI_PROJECT_DIR").and_then(|dir| text.text.strip_prefix(&*dir.text)?.strip_prefix('/'));
    let path = home.unwrap_or(&text.text).trim_start_matches("./");
    let plain = |part: &str| !matches!(part, "" | "." | ".." | ".git");
    let is_path = path.len() <= MAX_NAME && !path.contains(|c: char| c.is_whitespace() || c.is_control()) && path.split('/').all(plain);
    (is_path && !text.secret).then(|| path.to_owned())
}

/// The tag release that a job makes now that it has succeeded. `env` is what [`crate::job_env`] gave, `file` what the file says
/// that the description names, if it is there.
///
/// # Errors
/// What cannot be published, in words for people.
pub fn tag_release(job: &PlannedJob, env: &BTreeMap<String, EnvValue>, file: Option<String>) -> Option<Result<WantedTagRelease, String>> {
    job.tag_release.as_ref().map(|planned| {
        let values = values(env);
        let filled = |key: &str, text: &str, longest: usize| {
            let Expanded { text, secret } = expand(text, &values);
            match text {
                _ if secret => Err(format!("`release: {key}` names a secret, and what is published is seen by all")),
                text if text.len() > longest => Err(format!("`release: {key}` has more than {longest} bytes")),
                text => Ok(text),
            }
        };
        let tag = filled("tag_name", &planned.tag_name, MAX_NAME)?;
        if tag.is_empty() {
            let written = shown(&planned.tag_name);
            return Err(format!("`release: tag_name` is empty: `{written}` stands for nothing in this run"));
        }
        let name = planned.name.as_ref().map(|name| filled("name", name, MAX_NAME)).transpose()?.filter(|name| !name.is_empty());
        let written = filled("description", &planned.description, MAX_DESCRIPTION)?;
        let description = file.unwrap_or(written);
        if description.len() > MAX_DESCRIPTION {
            return Err(format!("the file of `release: description` has more than {} KiB", MAX_DESCRIPTION >> 10));
        }
        let optional = |key: &str, text: &Option<String>, longest| {
            let text = text.as_ref().map(|text| filled(key, text, longest)).transpose();
            text.map(|text| text.filter(|text| !text.is_empty()))
        };
        let mut links: Vec<AssetLink> = Vec::new();
        for link in &planned.links {
            let link = AssetLink {
                name: filled("assets: links: name", &link.name, MAX_NAME)?,
                url: filled("assets: links: url", &link.url, MAX_URL)?,
                filepath: optional("assets: links: filepath", &link.filepath, MAX_NAME)?,
                link_type: link.link_type,
            };
            if !["http://", "https://", "ftp://"].iter().any(|scheme| link.url.starts_with(scheme)) {
                return Err(format!("`{}` is no address of `http`, `https` or `ftp` (`release: assets: links`)", shown(&link.url)));
            }
            if links.iter().any(|other| other.name == link.name || other.url == link.url) {
                return Err(format!("two links of `release: assets` are alike: `{}`", shown(&link.name)));
            }
            links.push(link);
        }
        let milestones = planned.milestones.iter().map(|milestone| filled("milestones", milestone, MAX_NAME));
        Ok(WantedTagRelease {
            tag_message: optional("tag_message", &planned.tag_message, MAX_DESCRIPTION)?,
            reference: optional("ref", &planned.reference, MAX_NAME)?,
            release: TagRelease {
                name: name.unwrap_or_else(|| tag.clone()),
                tag,
                description,
                milestones: milestones.collect::<Result<_, _>>()?,
                released_at: planned.released_at,
                links,
            },
        })
    })
}

/// All variables; secrets among them are known as such.
fn values(env: &BTreeMap<String, EnvValue>) -> BTreeMap<String, Expanded> {
    let value = |value: &EnvValue| match value {
        EnvValue::Plain(text) => Expanded::plain(text),
        EnvValue::Secret(secret) => Expanded { text: secret.expose().to_owned(), secret: true },
    };
    env.iter().map(|(name, given)| (name.clone(), value(given))).collect()
}

#[cfg(test)]
mod tests {
    use penstock_model::Secret;

    use super::*;
    use crate::testing::gitlab_plan;

    fn env() -> BTreeMap<String, EnvValue> {
        let plain = [("CI_COMMIT_TAG", "v1.2"), ("CI_PROJECT_DIR", "/builds/oran"), ("EMPTY", "")];
        let plain = plain.map(|(name, text)| (name.to_owned(), EnvValue::Plain(text.to_owned())));
        plain.into_iter().chain([("KEY".to_owned(), EnvValue::Secret(Secret::new("hush")))]).collect()
    }

    fn made(release: &str, file: Option<&str>) -> Result<WantedTagRelease, String> {
        let plan = gitlab_plan(&format!("a: {{script: [x], release: {{{release}}}}}"));
        tag_release(&plan.jobs[0], &env(), file.map(str::to_owned)).unwrap()
    }

    #[test]
    fn a_tag_release_is_made_of_the_jobs_variables() {
        let all = "tag_name: $CI_COMMIT_TAG, tag_message: of $CI_COMMIT_TAG, name: Release $CI_COMMIT_TAG, description: 'new: $NONE', ref: $CI_COMMIT_TAG, milestones: [m1], released_at: '2026-03-15T08:00:00Z', assets: {links: [{name: tool, url: 'https://d.example/$CI_COMMIT_TAG', filepath: /bin/tool, link_type: package}]}";
        let wanted = made(all, None).unwrap();
        let release = &wanted.release;
        assert_eq!((&*release.tag, &*release.name, &*release.description), ("v1.2", "Release v1.2", "new: "));
        assert_eq!((wanted.tag_message.as_deref(), wanted.reference.as_deref()), (Some("of v1.2"), Some("v1.2")));
        assert_eq!((release.milestones.as_slice(), &*release.links[0].url), (["m1".to_owned()].as_slice(), "https://d.example/v1.2"));
        assert_eq!(release.released_at.unwrap().rfc3339(), "2026-03-15T08:00:00.000Z");
        let least = made("tag_name: v1, description: notes.md, name: $EMPTY", Some("# New\n")).unwrap();
        assert_eq!((&*least.release.name, &*least.release.description, least.reference), ("v1", "# New\n", None));
    }

    #[test]
    fn what_cannot_be_published_is_told() {
        for (release, why) in [
            ("tag_name: $NONE, description: d", "`release: tag_name` is empty"),
            ("tag_name: v1, description: with $KEY", "`release: description` names a secret"),
            ("tag_name: v1, description: d, assets: {links: [{name: a, url: 'javascript:x'}]}", "is no address"),
            ("tag_name: v1, description: d, assets: {links: [{name: a, url: 'http://a'}, {name: a, url: 'http://b'}]}", "are alike"),
        ] {
            let said = made(release, None).unwrap_err();
            assert!(said.contains(why), "{release}: {said}");
        }
        assert!(made("tag_name: v1, description: f", Some(&"x".repeat(MAX_DESCRIPTION + 1))).is_err());
    }

    #[test]
    fn a_description_may_be_the_path_of_a_file_below_the_checkout() {
        for (description, file) in [
            ("notes.md", Some("notes.md")),
            ("./docs/new.md", Some("docs/new.md")),
            ("$CI_PROJECT_DIR/out/n.md", Some("out/n.md")),
            ("What is new", None),
            ("../up", None),
            ("/etc/passwd", None),
            ("$KEY", None),
            (".git/config", None),
        ] {
            let plan = gitlab_plan(&format!("a: {{script: [x], release: {{tag_name: v1, description: '{description}'}}}}"));
            assert_eq!(description_file(&plan.jobs[0], &env()).as_deref(), file, "{description}");
        }
    }
}
