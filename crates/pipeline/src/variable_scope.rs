//! For which environments a project's variable is, as GitLab has it.

/// The longest scope.
const MAX: usize = 255;

/// Whether a text can name environments.
pub fn is_scope(scope: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || " -_/${}.*".contains(c);
    !scope.trim().is_empty() && scope.len() <= MAX && scope.chars().all(letter)
}

/// How well a variable's scope fits the environment that a job names, if it does: the more, the better. As at GitLab, the name
/// itself goes over a pattern, and either over a variable that is for all; of two patterns the longer wins.
pub fn scope_fits(scope: Option<&str>, environment: Option<&str>) -> Option<(u8, usize)> {
    let Some(scope) = scope.filter(|scope| *scope != "*") else { return Some((0, 0)) };
    let environment = environment?;
    if scope == environment {
        return Some((2, scope.len()));
    }
    matches(scope, environment).then_some((1, scope.len()))
}

/// Whether a text is as a pattern says, in which `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let inner: Vec<&str> = parts.collect();
    let Some((last, inner)) = inner.split_last() else { return rest.is_empty() };
    for part in inner {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closer_scope_wins_and_a_job_without_environment_gets_what_is_for_all() {
        let scopes = [None, Some("*"), Some("review/*"), Some("review/a"), Some("rev*a"), Some("production")];
        let of = |environment| {
            let mut all: Vec<_> =
                scopes.iter().filter_map(|scope| Some((scope_fits(*scope, environment)?, scope.unwrap_or("-")))).collect();
            all.sort_unstable();
            all.into_iter().map(|(_, scope)| scope).collect::<Vec<_>>()
        };
        assert_eq!(of(None), ["*", "-"]);
        assert_eq!(of(Some("review/a")), ["*", "-", "rev*a", "review/*", "review/a"]);
        assert_eq!(of(Some("production")), ["*", "-", "production"]);
    }

    #[test]
    fn a_star_is_any_text_and_nothing_else_is_special() {
        for (pattern, text, same) in [
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "ac", false),
            ("a*a", "a", false),
            ("a.c", "abc", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, text), same, "{pattern} {text}");
        }
        assert!(is_scope("review/*") && !is_scope("") && !is_scope("a\nb") && !is_scope("ä"));
    }
}
