//! The pipeline room from outside: files in, plans out; commands in, effects out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

mod bad_files;
mod beyond;
mod broken_files;
mod containers;
mod corpus;
mod documents;
mod events;
mod expressions;
mod fuzzed;
mod gitlab_include;
mod gitlab_inputs;
mod gitlab_job_keys;
mod gitlab_matrix;
mod gitlab_needs;
mod gitlab_only;
mod gitlab_paths;
mod gitlab_plans;
mod gitlab_processing;
mod gitlab_refusals;
mod gitlab_same_here;
mod gitlab_trigger;
mod gitlab_workflow;
mod identity;
mod job_environment;
mod keywords;
mod project_variables;
mod runs;
mod runs_at_random;
mod selection;
mod support;
mod triggers;
mod turns;
mod views;
mod workflow_actions;
mod workflow_beside;
mod workflow_calls;
mod workflow_container_actions;
mod workflow_containers;
mod workflow_contexts;
mod workflow_elsewhere;
mod workflow_events;
mod workflow_keys;
mod workflow_late;
mod workflow_local_actions;
mod workflow_plans;
mod workflow_refusals;
mod workflow_setups;
mod workflow_steps;
mod workflow_tools;
mod yaml;
