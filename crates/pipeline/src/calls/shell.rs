//! The commands of a shell script, found without running it: words at the place of a command, wherever that is.

/// How deep commands in commands may lie; deeper ones are not looked at.
const MAX_DEPTH: usize = 8;
/// The most commands of one script.
const MAX_CALLS: usize = 10_000;
/// Words after which a command follows.
const RESERVED: &[&str] = &["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "coproc"];
/// Programs that start the program that their first plain word names, and their options that take a value.
const STARTERS: &[(&str, &[&str])] = &[
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-T"]),
    ("env", &["-u", "-C", "-S"]),
    ("exec", &["-a"]),
    ("nohup", &[]),
    ("nice", &["-n"]),
    ("timeout", &["-k", "-s"]),
    ("time", &["-o", "-f"]),
    ("xargs", &["-I", "-n", "-P", "-L", "-d", "-a", "-s"]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("command", &[]),
    ("builtin", &[]),
];

/// A program that a script starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The program and its arguments, without quotes; what the shell would fill in stays as it is.
    pub(crate) words: Vec<String>,
    /// The script's line, from 0, on which it begins.
    pub(crate) line: usize,
}

impl Call {
    /// The program, without its folder.
    pub(crate) fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
    }
}

/// Every command of a script, also those in `$( )`, in backticks and in `sh -c`.
pub(crate) fn calls(script: &str) -> Vec<Call> {
    let mut found = Vec::new();
    Scanner { text: script.chars().collect(), at: 0, line: 0, depth: 0, heredocs: Vec::new(), found: &mut found }.commands(None);
    found
}

struct Scanner<'f> {
    text: Vec<char>,
    at: usize,
    line: usize,
    depth: usize,
    /// Ends of the here-documents that begin after this line, and whether their tabs go.
    heredocs: Vec<(String, bool)>,
    found: &'f mut Vec<Call>,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    /// Reads commands until the text ends, or what they are within.
    fn commands(&mut self, end: Option<char>) {
        let (mut words, mut line): (Vec<String>, usize) = (Vec::new(), self.line);
        let mut open = 0_usize;
        while let Some(c) = self.peek(0) {
            if Some(c) == end {
                self.next();
                break;
            }
            match c {
                '\n' => {
                    self.finish(&mut words, line);
                    self.next();
                    self.skip_heredocs();
                }
                ';' | '&' | '|' | '(' | ')' => {
                    // `>&2` and `&>` are no ends of a command
                    let before = self.at.checked_sub(1).and_then(|before| self.text.get(before)).copied();
                    self.next();
                    match c {
                        '(' => open += 1,
                        // of no bracket: a pattern of `case`
                        ')' if open == 0 => words.clear(),
                        ')' => open -= 1,
                        _ => {}
                    }
                    if c != '&' || !(matches!(before, Some('>' | '<')) || self.peek(0) == Some('>')) {
                        self.finish(&mut words, line);
                    }
                }
                '#' => self.skip_line(),
                '<' if self.peek(1) == Some('<') && self.peek(2) != Some('<') => self.heredoc(),
                '<' | '>' => {
                    self.next();
                }
                c if c.is_whitespace() => drop(self.next()),
                '\\' if self.peek(1) == Some('\n') => drop((self.next(), self.next())),
                _ => {
                    if words.is_empty() {
                        line = self.line;
                    }
                    let redirected = self.redirected();
                    let word = self.word(end);
                    if !redirected {
                        words.push(word);
                    }
                }
            }
        }
        self.finish(&mut words, line);
    }

    /// Whether what comes is where output goes to: `> file`, `>&2`.
    fn redirected(&self) -> bool {
        let mut before = self.text[..self.at].iter().rev().skip_while(|c| **c == ' ');
        match before.next() {
            Some('>' | '<') => true,
            Some('&') => matches!(before.next(), Some('>' | '<')),
            _ => false,
        }
    }

    /// One word; what is in `$( )` and backticks of it is read as commands.
    fn word(&mut self, end: Option<char>) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek(0) {
            if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '<' | '>') || Some(c) == end {
                break;
            }
            self.next();
            match c {
                '\'' => {
                    while let Some(c) = self.next().filter(|c| *c != '\'') {
                        word.push(c);
                    }
                }
                '"' => self.quoted(&mut word),
                '\\' => word.extend(self.next().filter(|c| *c != '\n')),
                '$' => self.dollar(&mut word),
                '`' => self.inner(Some('`')),
                c => word.push(c),
            }
        }
        word
    }

    fn quoted(&mut self, word: &mut String) {
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '\\' => word.extend(self.next().filter(|c| *c != '\n')),
                '$' => self.dollar(word),
                '`' => self.inner(Some('`')),
                c => word.push(c),
            }
        }
    }

    /// What follows a `$`: a command, arithmetic, or the name of a variable, which stays.
    fn dollar(&mut self, word: &mut String) {
        match (self.peek(0), self.peek(1)) {
            (Some('('), Some('(')) => {
                let mut open = 0;
                while let Some(c) = self.next() {
                    open += i32::from(c == '(') - i32::from(c == ')');
                    if open == 0 {
                        break;
                    }
                }
            }
            (Some('('), _) => {
                self.next();
                self.inner(Some(')'));
                word.push('$');
            }
            (Some('{'), _) => {
                word.push('$');
                let mut open = 0;
                while let Some(c) = self.next() {
                    word.push(c);
                    open += i32::from(c == '{') - i32::from(c == '}');
                    if open == 0 {
                        break;
                    }
                }
            }
            _ => word.push('$'),
        }
    }

    fn inner(&mut self, end: Option<char>) {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            // what lies deeper is not looked at: it is read past
            while self.next().is_some_and(|c| Some(c) != end) {}
        } else {
            self.commands(end);
        }
        self.depth -= 1;
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    /// `<<END`, of which the text comes after this line.
    fn heredoc(&mut self) {
        self.at += 2;
        let tabs = self.peek(0) == Some('-');
        self.at += usize::from(tabs);
        while self.peek(0) == Some(' ') {
            self.at += 1;
        }
        let end = self.word(None);
        self.heredocs.push((end, tabs));
    }

    fn skip_heredocs(&mut self) {
        for (end, tabs) in std::mem::take(&mut self.heredocs) {
            while self.at < self.text.len() {
                let start = self.at;
                self.skip_line();
                let line: String = self.text[start..self.at].iter().collect();
                self.next();
                let line = if tabs { line.trim_start_matches('\t') } else { &line };
                if line == end {
                    break;
                }
            }
        }
    }

    /// Takes a command in, without what stands before its program.
    fn finish(&mut self, words: &mut Vec<String>, line: usize) {
        let mut words = std::mem::take(words);
        let assigns = |word: &String| {
            word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))
        };
        while words.first().is_some_and(|word| RESERVED.contains(&word.as_str()) || assigns(word)) {
            words.remove(0);
        }
        if words.is_empty() || self.found.len() >= MAX_CALLS {
            return;
        }
        let call = Call { words, line };
        let program = call.program().to_owned();
        if let Some((_, valued)) = STARTERS.iter().find(|(name, _)| *name == program) {
            // `command -v docker` only asks where it is
            if !(program == "command" && call.words.iter().any(|word| matches!(word.as_str(), "-v" | "-V"))) {
                let mut rest = started(&call.words[1..], valued);
                if program == "timeout" && !rest.is_empty() {
                    rest.remove(0);
                }
                self.finish(&mut rest, line);
            }
        } else if matches!(program.as_str(), "sh" | "bash" | "dash" | "ash" | "zsh" | "eval") {
            let script = match program.as_str() {
                "eval" => Some(call.words[1..].join(" ")),
                _ => call
                    .words
                    .iter()
                    .position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'))
                    .and_then(|at| call.words.get(at + 1).cloned()),
            };
            if let Some(script) = script.filter(|_| self.depth < MAX_DEPTH) {
                let mut inside = Vec::new();
                let depth = self.depth + 1;
                Scanner { text: script.chars().collect(), at: 0, line: 0, depth, heredocs: Vec::new(), found: &mut inside }.commands(None);
                self.found.extend(inside.into_iter().map(|inner| Call { line: line + inner.line, ..inner }));
            }
        }
        self.found.push(call);
    }
}

/// What is left after the options and assignments of a program that starts another.
fn started(words: &[String], valued: &[&str]) -> Vec<String> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if valued.contains(&word.as_str()) {
            at += 2;
        } else if word.starts_with('-') || (word.contains('=') && !word.starts_with('/')) {
            at += 1;
        } else {
            break;
        }
    }
    words.get(at..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &[&str]) {
        let found: Vec<String> = calls(script).iter().map(|call| format!("{}:{}", call.line, call.words.join(" "))).collect();
        assert_eq!(found, expected, "{script}");
    }

    #[test]
    fn a_command_is_a_word_at_the_place_of_a_command() {
        check("docker build .", &["0:docker build ."]);
        check("echo docker build", &["0:echo docker build"]);
        check("# docker build\nmake # docker push\n", &["1:make"]);
        check("echo 'a; docker build' \"&& docker\"", &["0:echo a; docker build && docker"]);
        check("a && docker b || c; d | docker e &\nf", &["0:a", "0:docker b", "0:c", "0:d", "0:docker e", "1:f"]);
        check("if docker info; then docker build .; fi", &["0:docker info", "0:docker build .", "0:fi"]);
        check("(cd x && docker y)", &["0:cd x", "0:docker y"]);
        check("make > docker 2>&1 && x", &["0:make 2", "0:x"]);
        check("case $x in docker) make;; a|b) c;; esac", &["0:make", "0:a", "0:c", "0:esac"]);
        check("a \\\n  b\nc", &["0:a b", "2:c"]);
    }

    #[test]
    fn assignments_and_starters_stand_before_a_command() {
        check("A=1 B='x y' docker build", &["0:docker build"]);
        check("sudo -E -u root docker x", &["0:docker x", "0:sudo -E -u root docker x"]);
        check("timeout -k 5 10m docker x", &["0:docker x", "0:timeout -k 5 10m docker x"]);
        check("command -v docker", &["0:command -v docker"]);
        check("xargs -n 1 docker rmi", &["0:docker rmi", "0:xargs -n 1 docker rmi"]);
        check("env -u A B=c docker x", &["0:docker x", "0:env -u A B=c docker x"]);
    }

    #[test]
    fn commands_in_commands_are_found() {
        check("A=$(docker ps -q)", &["0:docker ps -q"]);
        check("echo \"x $(docker ps | head)\"", &["0:docker ps", "0:head", "0:echo x $"]);
        check("echo `docker ps`", &["0:docker ps", "0:echo "]);
        check("bash -ec 'set -x\ndocker x'", &["0:set -x", "1:docker x", "0:bash -ec set -x\ndocker x"]);
        check("echo $((1 + 2)) ${A:-docker}", &["0:echo  ${A:-docker}"]);
    }

    #[test]
    fn the_text_of_a_here_document_is_none() {
        check("cat <<EOF > x\ndocker build\nEOF\nmake", &["0:cat", "3:make"]);
        check("cat <<-'END'\n\tdocker\n\tEND\nmake", &["0:cat", "3:make"]);
    }

    #[test]
    fn no_text_fails_or_takes_long() {
        for text in ["'", "\"", "$(", "`", "${", "<<", "<<EOF", "\\", "$((", ")", "&&&&", "sh -c"] {
            calls(text);
        }
        calls(&"$(".repeat(100_000));
        calls(&"sh -c '".repeat(2_000));
        calls(&"a;".repeat(100_000));
    }
}
