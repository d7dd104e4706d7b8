//! Options of a push (`git push -o …`): GitLab's words for a branch, Gitea's and Forgejo's for what is offered.

use super::event::Ask;

/// The longest title, as GitLab has it.
const MAX_TITLE: usize = 255;
/// The longest name of a topic.
const MAX_TOPIC: usize = 100;

/// What a push to `refs/for/BRANCH` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Names it among those of the same person.
    pub topic: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether it may take the place of what was offered before, and not only add to it.
    pub force: bool,
}

/// Reads the options of a push of branches. `None` without any.
///
/// # Errors
/// What is wrong with one, for people.
pub fn of_branch(options: &[String]) -> Result<Option<Ask>, String> {
    let mut ask = Ask::default();
    for option in options {
        let (name, value) = pair(option);
        match (name, value) {
            ("merge_request.create", "" | "true") => ask.create = true,
            ("merge_request.draft", "" | "true") => ask.draft = true,
            ("merge_request.target", branch) if !branch.is_empty() => ask.target = Some(branch.to_owned()),
            ("merge_request.title", title) => ask.title = Some(checked_title(title)?),
            ("merge_request.description", text) => ask.description = Some(checked_text(text)?),
            ("topic" | "title" | "description" | "force-push", _) => {
                return Err(format!("`{name}` is an option of `refs/for/BRANCH`; of a branch it is `merge_request.{name}`"));
            }
            _ => {
                return Err(unknown(
                    name,
                    "merge_request.create, merge_request.target, merge_request.title, merge_request.description, merge_request.draft",
                ));
            }
        }
    }
    Ok((!options.is_empty()).then_some(ask))
}

/// Reads the options of a push to `refs/for/BRANCH`.
///
/// # Errors
/// What is wrong with one, for people.
pub fn of_offer(options: &[String]) -> Result<Offer, String> {
    let mut offer = Offer::default();
    for option in options {
        let (name, value) = pair(option);
        match name {
            "topic" => offer.topic = Some(value.to_owned()),
            "title" => offer.title = Some(checked_title(value)?),
            "description" => offer.description = Some(checked_text(value)?),
            "force-push" => offer.force = matches!(value, "" | "true"),
            _ => return Err(unknown(name, "topic, title, description, force-push")),
        }
    }
    Ok(offer)
}

/// What is offered, of `BRANCH` or `BRANCH/TOPIC`: the longest name of a branch that is there, and the topic.
///
/// # Errors
/// Why it is nothing, for people.
pub fn place<'r>(rest: &'r str, topic: Option<&'r str>, is_branch: &dyn Fn(&str) -> bool) -> Result<(&'r str, &'r str), String> {
    let ends = rest.match_indices('/').map(|(at, _)| at).chain([rest.len()]);
    let Some(end) = ends.filter(|end| is_branch(&rest[..*end])).last() else {
        return Err(format!("there is no branch `{rest}` to offer anything for"));
    };
    let (branch, named) = (&rest[..end], rest[end..].trim_start_matches('/'));
    let topic = match (named, topic) {
        ("", Some(topic)) => topic,
        ("", None) => return Err("what is offered has no name: add `-o topic=NAME`".to_owned()),
        (named, Some(topic)) if topic != named => return Err(format!("it has two names, `{named}` and `{topic}`")),
        (named, _) => named,
    };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    let sound = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.') && !part.contains("..");
    if topic.len() > MAX_TOPIC || !topic.bytes().all(letter) || !topic.split('/').all(sound) {
        return Err(format!("a topic has letters, digits and `._-/`, at most {MAX_TOPIC}"));
    }
    Ok((branch, topic))
}

/// A title of one line that is no longer than GitLab's.
///
/// # Errors
/// Why it is none.
pub fn checked_title(title: &str) -> Result<String, String> {
    let title = title.trim();
    if title.is_empty() || title.chars().count() > MAX_TITLE || title.chars().any(char::is_control) {
        return Err(format!("a title is one line of at most {MAX_TITLE} characters"));
    }
    Ok(title.to_owned())
}

/// A commit's first line as a title.
pub(crate) fn title_of(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line: String = line.chars().filter(|letter| !letter.is_control()).take(MAX_TITLE).collect();
    if line.trim().is_empty() { "Without a title".to_owned() } else { line.trim().to_owned() }
}

/// A text without what no text has.
///
/// # Errors
/// Why it is none.
pub fn checked_text(text: &str) -> Result<String, String> {
    let odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t' | '\r');
    if text.chars().any(odd) { Err("a description has no control characters".to_owned()) } else { Ok(text.to_owned()) }
}

fn pair(option: &str) -> (&str, &str) {
    option.split_once('=').unwrap_or((option, ""))
}

fn unknown(name: &str, known: &str) -> String {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(80).collect();
    format!("the push option `{name}` is not known; there are {known}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(options: &[&str]) -> Vec<String> {
        options.iter().map(|option| (*option).to_owned()).collect()
    }

    #[test]
    fn a_branch_asks_in_gitlabs_words() {
        assert_eq!(of_branch(&[]), Ok(None));
        let all = ["merge_request.create", "merge_request.target=stable", "merge_request.title=A = b", "merge_request.draft"];
        let ask = of_branch(&words(&all)).unwrap().unwrap();
        let expected = Ask { create: true, target: Some("stable".into()), title: Some("A = b".into()), description: None, draft: true };
        assert_eq!(ask, expected);
        for (option, part) in [
            ("ci.skip", "`ci.skip` is not known"),
            ("merge_request.label=x", "is not known"),
            ("merge_request.target=", "is not known"),
            ("merge_request.title=", "a title is one line"),
            ("topic=x", "is an option of `refs/for/BRANCH`"),
            ("", "is not known"),
        ] {
            let why = of_branch(&words(&[option])).unwrap_err();
            assert!(why.contains(part), "{option}: {why}");
        }
    }

    #[test]
    fn what_is_offered_is_described_in_giteas_words() {
        let offer = of_offer(&words(&["topic=fix", "title=A", "description=b\nc", "force-push"])).unwrap();
        assert_eq!(offer, Offer { topic: Some("fix".into()), title: Some("A".into()), description: Some("b\nc".into()), force: true });
        assert!(of_offer(&words(&["merge_request.create"])).unwrap_err().contains("is not known"));
    }

    #[test]
    fn the_longest_branch_is_meant_and_what_follows_it_is_the_topic() {
        let is_branch = |name: &str| ["main", "release", "release/1"].contains(&name);
        let check = |rest: &'static str, topic, expected: Result<(&str, &str), &str>| match (place(rest, topic, &is_branch), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{rest}"),
            (Err(why), Err(part)) => assert!(why.contains(part), "{rest}: {why}"),
            (found, _) => panic!("{rest}: {found:?}"),
        };
        check("main", Some("fix"), Ok(("main", "fix")));
        check("main/fix", None, Ok(("main", "fix")));
        check("release/1/fix/a", None, Ok(("release/1", "fix/a")));
        check("release/2", None, Ok(("release", "2")));
        check("main", None, Err("has no name"));
        check("main/fix", Some("other"), Err("two names"));
        check("none", Some("fix"), Err("no branch `none`"));
        for topic in ["", "a b", "../x", "a//b", "-x", "a..b", ".a"] {
            check("main", Some(topic), Err("a topic has letters"));
        }
    }
}
