//! What is allowed in a pipeline file and seldom meant.

use crate::diagnostic::Diagnostic;
use crate::input::{Dialect, Source};
use crate::reader::Problems;
use crate::yaml::{self, Budget, Node, Schema, Value};

/// GitLab reads a header, and the pipeline.
const MAX_DOCUMENTS: usize = 2;

/// Everything that is doubtful in a file by itself. What is wrong is for [`plan`](crate::plan()) to say; of a file that cannot be
/// read there is nothing here.
pub fn warnings(dialect: Dialect, source: &Source<'_>) -> Vec<Diagnostic> {
    let schema = if dialect == Dialect::GitlabCi { Schema::Psych } else { Schema::Core };
    let mut problems = Problems::new(source.path, schema);
    let read = yaml::documents(source, 0, schema, MAX_DOCUMENTS, &mut Budget::new(), &mut Vec::new());
    if let (Ok(documents), Dialect::GitlabCi) = (read, dialect) {
        documents.iter().for_each(|root| gitlab(root, &mut problems));
    }
    problems.doubts()
}

/// GitLab warns of the same: a rule that holds for every event starts one pipeline for the branch and one for its merge request.
fn gitlab(root: &Node, problems: &mut Problems) {
    let Value::Map(entries) = &root.value else { return };
    if root.get("workflow").and_then(|workflow| workflow.get("rules")).is_some() {
        return;
    }
    for (key, job) in entries.iter().filter(|(key, _)| !key.text.starts_with('.')) {
        let Some(Value::Seq(rules)) = job.get("rules").map(|rules| &rules.value) else { continue };
        let open = |rule: &&Node| {
            let asks = ["if", "changes", "exists"].iter().any(|clause| rule.get(clause).is_some());
            !asks && rule.get("when").is_some_and(|when| when.text() != Some("never"))
        };
        if let Some(rule) = rules.iter().find(open) {
            let message = format!("`{}` may run twice for one push: in a pipeline of the branch and in one of its merge request", key.text);
            problems.warn(rule.at, &format!("{}.rules", key.text), message, "say in `workflow: rules` which of the two there is");
        }
    }
}
