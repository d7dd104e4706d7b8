//! An action of Node.js: its main script in its place, and another at the job's end.

use penstock_model::job::StepOutcome;

use super::act::{Act, Doing, Next, fault, quoted};
use crate::github::expression::Contexts;
use crate::github::steps::holds;

/// A script of the action.
pub(in crate::github) struct JavaScript {
    folder: String,
    script: Option<String>,
    /// What is done at the job's end, and when.
    post: Option<(String, Option<String>)>,
    /// When this is done, if it is what is left for the end.
    condition: Option<String>,
}

impl JavaScript {
    pub(in crate::github) fn boxed(folder: String, main: &str, post: Option<&str>, post_if: Option<&str>) -> Box<dyn Act> {
        let post = post.map(|post| (post.to_owned(), post_if.map(str::to_owned)));
        Box::new(Self { folder, script: Some(main.to_owned()), post, condition: None })
    }
}

impl Act for JavaScript {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        if let Some(script) = self.script.take() {
            let file = quoted(&format!("{}/{script}", self.folder));
            return Next::Do(Doing::script(format!(
                "if ! command -v node > /dev/null; then echo '##[error]node is not here: put Node.js on the machine, or run the job in an image that has it (`container: node:22`)'; exit 1; fi\nexec node {file}\n"
            )));
        }
        let mut done = last.and_then(fault).unwrap_or_default();
        done.post = self.post.take().map(|(script, condition)| {
            Box::new(Self { folder: self.folder.clone(), script: Some(script), post: None, condition }) as Box<dyn Act>
        });
        Next::Done(done)
    }

    fn wanted_at_the_end(&self, contexts: &Contexts) -> Result<bool, String> {
        self.condition.as_ref().map_or(Ok(true), |condition| holds(condition, contexts))
    }
}
