//! Keys that GitLab knows and Penstock does not carry out, with what to do.

use crate::reader::Unsupported;

/// In a job.
pub(super) const JOB: &[Unsupported] = &[
    ("include", "move it to the top of the file"),
    ("identity", "remove it"),
    ("dast_configuration", "run the scanner in `script`"),
    ("run", "use `script`"),
    ("type", "write `stage`"),
];

/// In `default`.
pub(super) const DEFAULT: &[Unsupported] = &[("identity", "remove it")];

/// In a secret.
pub(super) const SECRET: &[Unsupported] = &[
    ("gcp_secret_manager", ELSEWHERE),
    ("azure_key_vault", ELSEWHERE),
    ("aws_secrets_manager", ELSEWHERE),
    ("akeyless", ELSEWHERE),
    ("gitlab_secrets_manager", "it is GitLab's own; set the secret with `penstock secret set`"),
];

const ELSEWHERE: &str =
    "let the script ask it with an ID token (`id_tokens`), set the secret with `penstock secret set`, or keep it in a Vault";

/// In a rule.
pub(super) const RULE: &[Unsupported] = &[];

/// In a rule of `workflow`.
pub(super) const WORKFLOW_RULE: &[Unsupported] = &[
    ("needs", "remove it; it belongs to a job's rule"),
    ("allow_failure", "remove it; it belongs to a job's rule"),
    ("start_in", "remove it; it belongs to a job's rule"),
];

/// In a rule of an entry of `include`.
pub(super) const INCLUDE_RULE: &[Unsupported] = &[
    ("variables", "remove it; what a file includes sets no variables"),
    ("needs", "remove it; it belongs to a job's rule"),
    ("allow_failure", "remove it; it belongs to a job's rule"),
    ("interruptible", "remove it; it belongs to a job's rule"),
];

/// In `artifacts: reports`.
pub(super) const REPORTS: &[Unsupported] = &[("cobertura", "write `coverage_report: {coverage_format: cobertura, path: …}`")];

/// In `environment`.
pub(super) const ENVIRONMENT: &[Unsupported] = &[("kubernetes", "remove it; the config repository says where an environment is")];

/// In `image`.
pub(super) const IMAGE: &[Unsupported] = &[
    ("kubernetes", "remove it; jobs run on this machine, where `docker: user` is carried out"),
    ("ports", "remove it; there is no web terminal"),
];

/// In an item of `services`.
pub(super) const SERVICE: &[Unsupported] = IMAGE;

/// In an item of `needs`.
pub(super) const NEED: &[Unsupported] = &[];

/// Variables that GitLab has in a pipeline of a push, and Penstock does not.
pub(super) const ABSENT_VARIABLES: &[&str] = &[
    "CI_API_GRAPHQL_URL",
    "CI_API_V4_URL",
    "CI_BUILDS_DIR",
    "CI_COMMIT_AUTHOR",
    "CI_COMMIT_TIMESTAMP",
    "CI_CONCURRENT_ID",
    "CI_CONCURRENT_PROJECT_ID",
    "CI_DEPLOY_FREEZE",
    "CI_JOB_URL",
    "CI_PAGES_DOMAIN",
    "CI_PAGES_URL",
    "CI_PIPELINE_URL",
    "CI_PROJECT_CLASSIFICATION_LABEL",
    "CI_PROJECT_REPOSITORY_LANGUAGES",
    "CI_REPOSITORY_URL",
    "CI_RUNNER_DESCRIPTION",
    "CI_RUNNER_EXECUTABLE_ARCH",
    "CI_RUNNER_ID",
    "CI_RUNNER_TAGS",
    "CI_RUNNER_VERSION",
    "CI_SERVER_REVISION",
    "CI_SERVER_VERSION",
    "CI_SERVER_VERSION_MAJOR",
    "CI_SERVER_VERSION_MINOR",
    "CI_SERVER_VERSION_PATCH",
    "GITLAB_USER_ID",
];

/// Variables that GitLab has in a pipeline of a merge request, and Penstock does not.
pub(super) const ABSENT_OF_MERGE_REQUESTS: &[&str] = &[
    "CI_MERGE_REQUEST_APPROVED",
    "CI_MERGE_REQUEST_DIFF_ID",
    "CI_MERGE_REQUEST_ID",
    "CI_MERGE_REQUEST_PROJECT_ID",
    "CI_MERGE_REQUEST_PROJECT_URL",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_URL",
    "CI_MERGE_REQUEST_SQUASH_ON_MERGE",
    "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_refused_is_in_the_document() {
        let document = include_str!("../../../../docs/gitlab-ci.md");
        let tables = [JOB, DEFAULT, RULE, WORKFLOW_RULE, REPORTS, ENVIRONMENT, IMAGE, SERVICE, NEED, SECRET];
        let unlisted: Vec<_> = tables
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .filter(|name| !["`", ":"].iter().any(|start| document.contains(&format!("{start}{name}`"))))
            .collect();
        assert!(unlisted.is_empty(), "docs/gitlab-ci.md lacks {unlisted:?}");
    }
}
