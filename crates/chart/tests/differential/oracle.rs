//! Helm's own packages, asked through `crates/chart/oracle`.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value as Json, json};

/// A running oracle. It is started anew when it dies: Go cannot recover from a stack that overflows, or memory that ends.
pub struct Oracle {
    program: PathBuf,
    running: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

/// What came of something, on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was made: bytes, or a document shown.
    Made(Vec<u8>),
    /// It was refused, with this text.
    Refused(Vec<u8>),
    /// There is no answer to compare with: a limit of ours was met, or the oracle did not live to tell.
    None(String),
}

impl Oracle {
    /// The oracle of Helm 3.18.
    pub fn new() -> Self {
        Self::of("helm-oracle")
    }

    /// The oracle of that name.
    pub fn of(name: &str) -> Self {
        Self { program: place(name), running: None }
    }

    /// The oracle of Helm 3.18 that lies elsewhere in memory, where it was built.
    pub fn elsewhere() -> Option<Self> {
        let program = folder().join("helm-oracle-elsewhere");
        program.exists().then_some(Self { program, running: None })
    }

    /// What it answers; nothing when it dies of the question.
    pub fn ask(&mut self, request: &Json) -> Option<Json> {
        let mut line = request.to_string();
        line.push('\n');
        let (_, questions, answers) = self.running.get_or_insert_with(|| start(&self.program));
        let mut answer = String::new();
        let asked = questions.write_all(line.as_bytes()).and_then(|()| questions.flush());
        if asked.is_err() || answers.read_line(&mut answer).unwrap_or_default() == 0 {
            self.stop();
            return None;
        }
        serde_json::from_str(&answer).ok()
    }

    /// What came of a question that is answered by a text in `field`; `*` is the whole answer.
    pub fn outcome(&mut self, request: &Json, field: &str) -> Outcome {
        let Some(answer) = self.ask(request) else { return Outcome::None("the oracle died".to_owned()) };
        if let Some(why) = answer.get("unanswered") {
            // it may still be at work on that: away with it
            self.stop();
            return Outcome::None(format!("the oracle: {why}"));
        }
        match answer.get("error") {
            Some(error) => Outcome::Refused(bytes(error)),
            // what it was warned of is compared elsewhere
            None if field == "*" && answer.get("log").is_some() => {
                let mut answer = answer;
                answer.as_object_mut().and_then(|answer| answer.remove("log"));
                Outcome::Made(answer.to_string().into_bytes())
            }
            None if field == "*" => Outcome::Made(answer.to_string().into_bytes()),
            None => Outcome::Made(
                answer
                    .get(field)
                    .map(
                        |value| {
                            if value.get("base64").is_some() || value.is_string() { bytes(value) } else { value.to_string().into_bytes() }
                        },
                    )
                    .unwrap_or_default(),
            ),
        }
    }

    fn stop(&mut self) {
        if let Some((mut child, ..)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where a program of Helm's is.
pub fn place(name: &str) -> PathBuf {
    let program = folder().join(name);
    assert!(program.exists(), "{} is missing: run setup/setup.sh oracle", program.display());
    program
}

fn folder() -> PathBuf {
    std::env::var_os("PENSTOCK_ORACLE").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/oracle"), PathBuf::from)
}

fn start(program: &Path) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut child = Command::new(program)
        .env("TZ", "UTC")
        .env("GOMEMLIMIT", "1GiB")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the oracle starts");
    let questions = child.stdin.take().expect("it is piped");
    let answers = BufReader::new(child.stdout.take().expect("it is piped"));
    (child, questions, answers)
}

/// A text as the oracle writes one.
pub fn bytes(text: &Json) -> Vec<u8> {
    match text {
        Json::String(text) => text.clone().into_bytes(),
        other => other.get("base64").and_then(Json::as_str).and_then(|text| BASE64_STANDARD.decode(text).ok()).unwrap_or_default(),
    }
}

/// A text as the oracle reads one.
pub fn text(bytes: &[u8]) -> Json {
    std::str::from_utf8(bytes).map_or_else(|_| json!({ "base64": BASE64_STANDARD.encode(bytes) }), |text| json!(text))
}
