//! Files that a plan is made from, looked for until there is a plan.

mod actions;
mod family;
mod host;
mod mirror;
mod tree;

pub use family::InFamily;
pub use host::OnHost;
pub use mirror::{Mirror, read_text};

use async_trait::async_trait;
use penstock_pipeline::{
    Allowed, Diagnostic, Dialect, FileRef, Found, Library, MAX_FILES, Plan, Planning, PushEvent, Source, Unplanned, beyond,
};

/// A place where files are looked for.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// A passing fault: looking again may help.
    type Fault: Send;

    /// The file; or why there is none, and after `help: ` on a line of its own what to do.
    async fn find(&self, file: &FileRef) -> Result<Result<Found, String>, Self::Fault>;
}

/// Plans, looking for what the files name. The error is for people, with the lines that are wrong.
///
/// # Errors
/// A passing fault of the shelf.
pub async fn planned<S: Shelf>(
    dialect: Dialect,
    source: &Source<'_>,
    event: &PushEvent,
    shelf: &S,
) -> Result<Result<Plan, String>, S::Fault> {
    let looked = looked_at(dialect, source, event, shelf).await?;
    Ok(looked.map(|(plan, _)| plan).map_err(|(problems, library)| library.render(source, &problems)))
}

/// The same for a plan that is to be carried out: jobs that call for what is beyond them are refused, unless that is allowed.
///
/// # Errors
/// A passing fault of the shelf.
pub async fn carried_out<S: Shelf>(
    dialect: Dialect,
    source: &Source<'_>,
    event: &PushEvent,
    shelf: &S,
    allowed: &Allowed,
) -> Result<Result<Plan, String>, S::Fault> {
    let looked = looked_at(dialect, source, event, shelf).await?;
    let held = looked.and_then(|(plan, library)| {
        let problems = beyond(&plan, source, &library, allowed);
        if problems.is_empty() { Ok((plan, library)) } else { Err((problems, library)) }
    });
    Ok(held.map(|(plan, _)| plan).map_err(|(problems, library)| library.render(source, &problems)))
}

/// The same with everything that is wrong one by one, and the files that were found.
///
/// # Errors
/// A passing fault of the shelf.
pub async fn looked_at<S: Shelf>(
    dialect: Dialect,
    source: &Source<'_>,
    event: &PushEvent,
    shelf: &S,
) -> Result<Result<(Plan, Library), (Vec<Diagnostic>, Library)>, S::Fault> {
    let (mut library, mut planning) = (Library::new(), Planning::new(dialect, source, event));
    loop {
        let wants = match planning.plan(&library) {
            Ok(plan) => return Ok(Ok((plan, library))),
            Err(Unplanned::Refused(problems)) => return Ok(Err((problems, library))),
            Err(Unplanned::Wants(wants)) => wants,
        };
        // each round brings at least one more, so that the rounds are bounded too
        if library.len() + wants.len() > MAX_FILES {
            let message = format!("{} and what it names are more than {MAX_FILES} files", source.path);
            let (path, help) = (source.path.to_owned(), "include fewer".to_owned());
            return Ok(Err((
                vec![Diagnostic {
                    severity: penstock_pipeline::Severity::Error,
                    path,
                    line: 1,
                    column: 1,
                    key: String::new(),
                    message,
                    help,
                }],
                library,
            )));
        }
        for file in wants {
            let found = shelf.find(&file).await?;
            library.put(file, found);
        }
    }
}

/// A file's text.
///
/// # Errors
/// It is none, in words for people.
pub fn text(bytes: Vec<u8>) -> Result<Found, String> {
    String::from_utf8(bytes).map(Found::new).map_err(|_| "it is not UTF-8\nhelp: save it as UTF-8".to_owned())
}
