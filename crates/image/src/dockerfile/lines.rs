//! Lines of a Dockerfile: directives first, then instructions with their continuations joined.

/// More instructions are refused.
const MAX_INSTRUCTIONS: usize = 5_000;

/// One instruction's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logical {
    /// Where it begins, counted from 1.
    pub number: usize,
    /// On one line.
    pub text: String,
}

impl Logical {
    /// The instruction's name in capitals, and the rest.
    pub fn head(&self) -> (String, &str) {
        let (name, rest) = self.text.split_once(char::is_whitespace).unwrap_or((&self.text, ""));
        (name.to_ascii_uppercase(), rest.trim())
    }
}

/// A line's number, what is wrong, what to do.
pub type Trouble = (usize, String, String);

/// The escape character and the instructions.
pub fn logical_lines(text: &str) -> Result<(char, Vec<Logical>), Trouble> {
    let text = text.trim_start_matches('\u{feff}');
    let escape = directives(text)?;
    let mut lines: Vec<Logical> = Vec::new();
    let mut open: Option<Logical> = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let bare = line.trim_start();
        // comments and empty lines are left out in the middle of an instruction too
        if bare.starts_with('#') || bare.is_empty() {
            continue;
        }
        let whole = line.trim_end();
        let (part, goes_on) = match whole.strip_suffix(escape) {
            Some(part) => (part, true),
            None => (line, false),
        };
        let logical = open.get_or_insert_with(|| Logical { number, text: String::new() });
        logical.text.push_str(if logical.text.is_empty() { part.trim_start() } else { part });
        if !goes_on {
            lines.extend(open.take());
        }
        if lines.len() > MAX_INSTRUCTIONS {
            return Err((number, format!("more than {MAX_INSTRUCTIONS} instructions"), String::new()));
        }
    }
    lines.extend(open);
    for line in &mut lines {
        line.text.truncate(line.text.trim_end().len());
    }
    lines.retain(|line| !line.text.is_empty());
    Ok((escape, lines))
}

fn directives(text: &str) -> Result<char, Trouble> {
    let mut escape = None;
    for (index, line) in text.lines().enumerate() {
        let Some((key, value)) = line.trim().strip_prefix('#').and_then(|comment| comment.split_once('=')) else { break };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        let number = index + 1;
        match key.as_str() {
            "escape" if escape.is_some() => return Err((number, "a second `escape` directive".to_owned(), "leave one out".to_owned())),
            "escape" => match value {
                "\\" | "`" => escape = value.chars().next(),
                _ => return Err((number, format!("`{value}` cannot be the escape character"), "write `\\` or a backquote".to_owned())),
            },
            "syntax" => {
                let tag = value.strip_prefix("docker.io/").unwrap_or(value).strip_prefix("docker/dockerfile:1");
                if tag.is_none_or(|tag| tag.contains("labs")) {
                    let hint =
                        "leave the directive out, or write `docker/dockerfile:1`: what it brings and is not carried out is named below"
                            .to_owned();
                    return Err((number, format!("the syntax `{value}` is not known here"), hint));
                }
            }
            // about warnings only
            "check" => {}
            // an ordinary comment ends the directives
            _ => break,
        }
    }
    Ok(escape.unwrap_or('\\'))
}
