//! Policies in Rego: loaded once, evaluated within limits, and without any builtin that knows the time, the network or chance.

use std::num::NonZeroU32;
use std::time::Duration;

use penstock_model::Digest;
use penstock_model::canonical::canonical_digest;
use regorus::utils::limits::ExecutionTimerConfig;
use serde_json::Value;

/// The most bytes of one policy set.
pub const MAX_POLICY: usize = 1 << 20;
/// The most files of one policy set.
pub const MAX_FILES: usize = 64;
/// The longest that one evaluation may take.
pub const MAX_TIME: Duration = Duration::from_secs(10);
/// The most bytes of one input document.
pub const MAX_INPUT: usize = 64 << 20;

const PACKAGE: &str = "data.penstock.gate";

/// Why a policy gives no answer. All of these deny.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There is none.
    #[error("the gate has no policy file")]
    Empty,
    /// Too much of it.
    #[error("the policy has {files} files with {bytes} bytes; at most {MAX_FILES} files with {MAX_POLICY} bytes are read")]
    TooLarge {
        /// How many files.
        files: usize,
        /// How many bytes.
        bytes: usize,
    },
    /// It does not compile.
    #[error("{file} is not a policy: {what}")]
    Syntax {
        /// The file.
        file: String,
        /// What the compiler says.
        what: String,
    },
    /// It is a policy of something else.
    #[error("{file} is in package `{package}`; a gate's policy is in `penstock.gate`")]
    Package {
        /// The file.
        file: String,
        /// Its package.
        package: String,
    },
    /// The input is too large.
    #[error("the evidence has {0} bytes and at most {MAX_INPUT} are judged")]
    Input(usize),
    /// The evaluation failed, or took too long.
    #[error("the policy could not be evaluated: {0}")]
    Evaluation(String),
}

/// A policy: Rego files in package `penstock.gate` (helpers may lie in packages below it).
#[derive(Clone)]
pub struct PolicySet {
    files: Vec<(String, String)>,
    digest: Digest,
    engine: Result<regorus::Engine, PolicyError>,
}

impl std::fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files: Vec<_> = self.files.iter().map(|(path, _)| path).collect();
        f.debug_struct("PolicySet").field("digest", &self.digest).field("files", &files).finish_non_exhaustive()
    }
}

impl PolicySet {
    /// Takes in files as (path, text). A policy that does not compile is one that denies everything; see [`Self::problem`].
    pub fn new(files: Vec<(String, String)>) -> Self {
        Self::with_time_limit(files, MAX_TIME)
    }

    /// The same with another limit on the time of one evaluation.
    pub fn with_time_limit(files: Vec<(String, String)>, limit: Duration) -> Self {
        let named: Vec<_> = files.iter().map(|(path, text)| (path, Digest::of(text))).collect();
        // paths and digests are text: always JSON
        let digest = canonical_digest(&named).unwrap_or_else(|_| Digest::of(b""));
        let engine = load(&files, limit);
        Self { files, digest, engine }
    }

    /// The digest of all paths and texts: what an approval binds.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The files.
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// Why the policy denies everything, if it does.
    pub fn problem(&self) -> Option<&PolicyError> {
        self.engine.as_ref().err()
    }

    /// Evaluates the whole package over an input document: what `allow`, `deny` and `warn` are.
    pub(crate) fn ask(&self, input: &Value) -> Result<Value, PolicyError> {
        let mut engine = self.engine.clone()?;
        let failed = |error: &dyn std::fmt::Display| PolicyError::Evaluation(first_line(&error.to_string()));
        let text = serde_json::to_string(input).map_err(|error| failed(&error))?;
        if text.len() > MAX_INPUT {
            return Err(PolicyError::Input(text.len()));
        }
        engine.set_input_json(&text).map_err(|error| failed(&error))?;
        let results = engine.eval_query(PACKAGE.to_owned(), false).map_err(|error| failed(&error))?;
        let value = results.result.first().and_then(|result| result.expressions.first()).map(|expression| &expression.value);
        let value = value.ok_or_else(|| PolicyError::Evaluation("the package is undefined".to_owned()))?;
        let text = value.to_json_str().map_err(|error| failed(&error))?;
        serde_json::from_str(&text).map_err(|error| failed(&error))
    }
}

fn load(files: &[(String, String)], limit: Duration) -> Result<regorus::Engine, PolicyError> {
    let bytes = files.iter().map(|(_, text)| text.len()).sum();
    if files.is_empty() {
        return Err(PolicyError::Empty);
    }
    if files.len() > MAX_FILES || bytes > MAX_POLICY {
        return Err(PolicyError::TooLarge { files: files.len(), bytes });
    }
    let mut engine = regorus::Engine::new();
    engine.set_strict_builtin_errors(true);
    engine.set_execution_timer_config(ExecutionTimerConfig { limit, check_interval: NonZeroU32::MIN.saturating_add(255) });
    for (path, text) in files {
        if names_chance(text) {
            let what = "`rand` is not for policies: the same evidence must always get the same answer".to_owned();
            return Err(PolicyError::Syntax { file: path.clone(), what });
        }
        let package = engine
            .add_policy(path.clone(), text.clone())
            .map_err(|error| PolicyError::Syntax { file: path.clone(), what: error.to_string() })?;
        if package != PACKAGE && !package.starts_with("data.penstock.gate.") {
            let package = package.strip_prefix("data.").unwrap_or(&package).to_owned();
            return Err(PolicyError::Package { file: path.clone(), package });
        }
    }
    Ok(engine)
}

/// regorus keeps `rand.intn` with its `std` feature, which the limit on time needs. A mention in a comment is refused too.
fn names_chance(text: &str) -> bool {
    text.match_indices("rand").any(|(at, word)| {
        let apart = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        apart && text[at + word.len()..].trim_start().starts_with(['.', '['])
    })
}

fn first_line(text: &str) -> String {
    text.trim().chars().take(600).collect()
}
