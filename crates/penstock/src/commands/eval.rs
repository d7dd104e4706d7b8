//! `penstock eval`: what an expression of a pipeline file comes to.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use penstock_cli::args::{Eval, Language};
use penstock_cli::{CliError, exit};
use penstock_model::Digest;
use penstock_model::digest::Hasher;
use penstock_pipeline::{FilesToHash, WorkflowContexts, eval_gitlab};
use serde::de::DeserializeOwned;

/// The largest context that is read.
const MAX_CONTEXT: u64 = 16 << 20;
/// How many files `hashFiles` looks at, and how deep.
const MAX_FILES: usize = 100_000;
const MAX_DEPTH: usize = 100;

/// Evaluates and prints; the exit code says whether it came to a value.
pub fn eval(args: &Eval) -> Result<ExitCode, CliError> {
    let evaluated = match args.dialect {
        Language::Github => {
            let files = std::env::current_dir().map_err(|source| CliError::Io { what: "the current folder".to_owned(), source })?;
            WorkflowContexts::new(&context(args.context.as_deref())?, Some(Arc::new(Folder::new(&files)))).eval(&args.expression)
        }
        Language::Gitlab => eval_gitlab(&args.expression, &context::<BTreeMap<String, Option<String>>>(args.context.as_deref())?),
    };
    match evaluated {
        Ok(evaluated) => {
            println!("{}", serde_json::to_string(&evaluated).unwrap_or_default());
            Ok(crate::done())
        }
        Err(error) => {
            println!("{}", serde_json::json!({ "error": error }));
            Ok(ExitCode::from(exit::NOT_GOOD))
        }
    }
}

/// The context file; nothing is known without one.
fn context<T: DeserializeOwned + Default>(file: Option<&Path>) -> Result<T, CliError> {
    let Some(file) = file else { return Ok(T::default()) };
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(MAX_CONTEXT).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(MAX_CONTEXT).read_to_string(&mut text))
    };
    let what = file.display().to_string();
    read.map_err(|source| CliError::Io { what: what.clone(), source })?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let help = "write a JSON object: contexts by name for GitHub, texts or null by name for GitLab";
        CliError::other(format!("{what}: {error}"), help, exit::USAGE)
    })
}

/// A folder's files, for `hashFiles`.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    name: String,
}

impl Folder {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.to_string_lossy().trim_end_matches('/').to_owned() }
    }

    fn walk(&self, below: &Path, follow: bool, depth: usize, found: &mut Vec<String>) -> Result<(), String> {
        let told = |error: std::io::Error| format!("{}: {error}", self.path.join(below).display());
        for entry in std::fs::read_dir(self.path.join(below)).map_err(told)? {
            let entry = entry.map_err(told)?;
            let path = below.join(entry.file_name());
            let is_link = entry.file_type().map_err(told)?.is_symlink();
            // a link that leads nowhere is not there
            let Ok(meta) = std::fs::metadata(self.path.join(&path)) else { continue };
            match path.to_str() {
                Some(name) if meta.is_file() => found.push(name.to_owned()),
                _ if meta.is_dir() && (!is_link || follow) && depth < MAX_DEPTH => self.walk(&path, follow, depth + 1, found)?,
                _ => {}
            }
            if found.len() > MAX_FILES {
                return Err(format!("there are more than {MAX_FILES} files"));
            }
        }
        Ok(())
    }
}

impl FilesToHash for Folder {
    fn root(&self) -> &str {
        &self.name
    }

    fn paths(&self, follow: bool) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        self.walk(Path::new(""), follow, 0, &mut found)?;
        Ok(found)
    }

    fn digest(&self, path: &str) -> Result<Digest, String> {
        let told = |error: std::io::Error| format!("{path}: {error}");
        let mut file = std::fs::File::open(self.path.join(path)).map_err(told)?;
        let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 64 << 10]);
        loop {
            match file.read(&mut buffer).map_err(told)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(&buffer[..read]),
            }
        }
    }
}
