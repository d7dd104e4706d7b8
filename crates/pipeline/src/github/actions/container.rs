//! An action that is a container: one for what it does, and others before the first step and at the job's end.

use std::collections::BTreeMap;

use penstock_model::job::{StepContainer, StepOutcome, Work};
use penstock_model::remote::RemoteImage;

use super::act::{Act, Doing, Next, fault};
use super::table::Refusal;
use crate::github::expression::Contexts;
use crate::github::steps::holds;
use crate::plan::{Action, ActionImage, ContainerAction};
use crate::reader::shown;

/// How images are named in place of actions.
pub(super) const SCHEME: &str = "docker://";

/// A container of an action, with every text filled in.
pub(in crate::github) struct InContainer {
    container: StepContainer,
    env: BTreeMap<String, String>,
    begun: bool,
    /// What is done at the job's end, and when.
    post: Option<(String, Option<String>)>,
    /// When this is done, if it is what is left for the end.
    condition: Option<String>,
}

impl InContainer {
    /// Of an action, with this program in place of the image's.
    pub(in crate::github) fn boxed(
        action: &ContainerAction,
        program: Option<String>,
        args: Option<Vec<String>>,
        env: BTreeMap<String, String>,
    ) -> Box<dyn Act> {
        let post = action.post.clone().map(|post| (post, action.post_if.clone()));
        let container = StepContainer { image: action.image_name(), entrypoint: program, args };
        Box::new(Self { container, env, begun: false, post, condition: None })
    }
}

impl Act for InContainer {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        if !std::mem::replace(&mut self.begun, true) {
            return Next::Do(Doing { env: self.env.clone(), ..Doing::new(Work::Container(self.container.clone())) });
        }
        let mut done = last.and_then(fault).unwrap_or_default();
        done.post = self.post.take().map(|(program, condition)| {
            // the same image with the same arguments
            let container = StepContainer { entrypoint: Some(program), ..self.container.clone() };
            Box::new(Self { container, env: self.env.clone(), begun: false, post: None, condition }) as Box<dyn Act>
        });
        Next::Done(done)
    }

    fn wanted_at_the_end(&self, contexts: &Contexts) -> Result<bool, String> {
        self.condition.as_ref().map_or(Ok(true), |condition| holds(condition, contexts))
    }
}

/// The image that a `uses` or an action's `image` names, if it names one.
pub(super) fn named(text: &str) -> Option<Result<ActionImage, Refusal>> {
    let name = text.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME)).and_then(|_| text.get(SCHEME.len()..))?;
    Some(match name.parse::<RemoteImage>() {
        Ok(_) => Ok(ActionImage::Registry { name: name.to_owned() }),
        Err(_) => {
            let help = "write `docker://NAME:TAG`, or `docker://REGISTRY/NAME@sha256:…`, in lower case";
            Err(Refusal::new(format!("`{}` names no image", shown(name)), help))
        }
    })
}

/// The step `uses: docker://NAME`; `None` if it names something else.
pub(super) fn step(uses: &str) -> Option<Result<Action, Refusal>> {
    named(uses).map(|image| image.map(|image| Action::Container(Box::new(ContainerAction::of(image, None)))))
}

/// A text of arguments as words, as .NET splits command lines, by which GitHub's runner starts Docker: between blanks and tabs,
/// which count for nothing within double quotes; a backslash counts only before a quote; two quotes within quotes are one.
pub(in crate::github) fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let mut count = 1;
                while letters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let quote = letters.peek() == Some(&'"');
                let word = word.get_or_insert_default();
                word.extend(std::iter::repeat_n('\\', if quote { count / 2 } else { count }));
                if quote && count % 2 == 1 {
                    letters.next();
                    word.push('"');
                }
            }
            '"' if quoted && letters.next_if_eq(&'"').is_some() => word.get_or_insert_default().push('"'),
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            // whoever writes several lines means one command
            ' ' | '\t' | '\n' | '\r' if !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_as_githubs_runner_splits_them() {
        for (text, expected) in [
            ("", &[][..]),
            ("  a  b\tc ", &["a", "b", "c"]),
            (r#""a b" c"d e"f"#, &["a b", "cd ef"]),
            ("'a b'", &["'a", "b'"]),
            (r#"a "" b"#, &["a", "", "b"]),
            (r#"\"a\" "say \"x y\"""#, &[r#""a""#, r#"say "x y""#]),
            (r"C:\dir\ \\x", &[r"C:\dir\", r"\\x"]),
            (r#""a\\" b"#, &[r"a\", "b"]),
            (r#""a""b""#, &[r#"a"b"#]),
            ("a\nb", &["a", "b"]),
            ("\"open b", &["open b"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn an_image_is_named_whatever_the_case_of_its_scheme_and_must_be_one() {
        let name = |text: &str| match named(text) {
            Some(Ok(ActionImage::Registry { name })) => Ok(Some(name)),
            Some(Err(refusal)) => Err(refusal.message),
            _ => Ok(None),
        };
        assert_eq!(name("docker://alpine:3.20"), Ok(Some("alpine:3.20".to_owned())));
        assert_eq!(name("DOCKER://ghcr.io/a/b"), Ok(Some("ghcr.io/a/b".to_owned())));
        assert_eq!((name("Dockerfile"), name("dock")), (Ok(None), Ok(None)));
        assert!(name("docker://").is_err() && name("docker://A B").is_err());
    }
}
