//! The events that GitHub knows, and what may stand below each in `on`.

/// An event that GitHub knows.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Its activity types; empty if it has none.
    pub(super) types: &'static [&'static str],
    /// Those that start a workflow which names none; empty is all.
    pub(super) usual: &'static [&'static str],
    /// Keys with patterns.
    pub(super) filters: &'static [&'static str],
}

const fn bare(name: &'static str) -> Kind {
    Kind { name, types: &[], usual: &[], filters: &[] }
}

const fn typed(name: &'static str, types: &'static [&'static str]) -> Kind {
    Kind { name, types, usual: &[], filters: &[] }
}

const fn of_pull_requests(name: &'static str) -> Kind {
    Kind { name, types: PULL_REQUEST, usual: &["opened", "synchronize", "reopened"], filters: &["branches", "paths"] }
}

const PULL_REQUEST: &[&str] = &[
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "opened",
    "edited",
    "closed",
    "reopened",
    "synchronize",
    "converted_to_draft",
    "locked",
    "unlocked",
    "enqueued",
    "dequeued",
    "milestoned",
    "demilestoned",
    "ready_for_review",
    "review_requested",
    "review_request_removed",
    "auto_merge_enabled",
    "auto_merge_disabled",
    "stacked",
];
const ISSUES: &[&str] = &[
    "opened",
    "edited",
    "deleted",
    "transferred",
    "pinned",
    "unpinned",
    "closed",
    "reopened",
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "locked",
    "unlocked",
    "milestoned",
    "demilestoned",
    "field_added",
    "field_removed",
    "typed",
    "untyped",
];
const DISCUSSION: &[&str] = &[
    "created",
    "edited",
    "deleted",
    "transferred",
    "pinned",
    "unpinned",
    "labeled",
    "unlabeled",
    "locked",
    "unlocked",
    "category_changed",
    "answered",
    "unanswered",
];
const CHANGED: &[&str] = &["created", "edited", "deleted"];

/// Every event that a workflow may name, in the order of GitHub's schema.
pub(super) const EVENTS: &[Kind] = &[
    typed("branch_protection_rule", CHANGED),
    typed("check_run", &["completed", "created", "rerequested", "requested_action"]),
    typed("check_suite", &["completed"]),
    bare("create"),
    bare("delete"),
    bare("deployment"),
    bare("deployment_status"),
    typed("discussion", DISCUSSION),
    typed("discussion_comment", CHANGED),
    bare("fork"),
    bare("gollum"),
    Kind { name: "image_version", types: &["created", "ready", "deleted"], usual: &[], filters: &["names", "versions"] },
    typed("issue_comment", CHANGED),
    typed("issues", ISSUES),
    typed("label", CHANGED),
    Kind { name: "merge_group", types: &["checks_requested"], usual: &[], filters: &["branches"] },
    typed("milestone", &["created", "closed", "opened", "edited", "deleted"]),
    bare("page_build"),
    typed("project", &["created", "closed", "reopened", "edited", "deleted"]),
    typed("project_card", &["created", "moved", "converted", "edited", "deleted"]),
    typed("project_column", &["created", "updated", "moved", "deleted"]),
    bare("public"),
    of_pull_requests("pull_request"),
    typed("pull_request_comment", CHANGED),
    typed("pull_request_review", &["submitted", "edited", "dismissed"]),
    typed("pull_request_review_comment", CHANGED),
    of_pull_requests("pull_request_target"),
    Kind { name: "push", types: &[], usual: &[], filters: &["branches", "tags", "paths"] },
    typed("registry_package", &["published", "updated"]),
    typed("release", &["published", "unpublished", "created", "edited", "deleted", "prereleased", "released"]),
    bare("repository_dispatch"),
    bare("schedule"),
    bare("status"),
    typed("watch", &["started"]),
    bare("workflow_call"),
    bare("workflow_dispatch"),
    Kind { name: "workflow_run", types: &["requested", "completed", "in_progress"], usual: &[], filters: &["workflows", "branches"] },
];
