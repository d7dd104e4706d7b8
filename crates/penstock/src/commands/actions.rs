//! `penstock actions lock`: which commits the tags and branches of other repositories' actions stand for, kept in the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use penstock_cli::terminal::{dim, green, plain};
use penstock_cli::{
    CliError, Output,
    args::{Actions, LockArgs},
    exit,
};
use penstock_delivery::library::Shelf as _;
use penstock_model::{CommitId, counted};
use penstock_pipeline::{ActionsLock, FileRef, Found, Locked, MAX_FILES, Named, Source, named};
use serde_json::json;

use super::local::{Place, WorkingTree};

/// Carries one out.
pub async fn actions(args: &Actions, output: Output) -> Result<ExitCode, CliError> {
    match args {
        Actions::Lock(args) => lock(args, output).await,
    }
}

async fn lock(args: &LockArgs, output: Output) -> Result<ExitCode, CliError> {
    let place = Place::of(&args.repository).await?;
    let file = place.root.join(ActionsLock::PATH);
    let before = read_lock(&file)?;
    let tree = WorkingTree::of(&place, None);
    let mut wanted = Wanted { place: &place, tree: &tree, lock: ActionsLock::default(), problems: BTreeSet::new(), seen: BTreeSet::new() };
    let paths = workflows(&place, args)?;
    wanted.all(paths.into_iter().map(|path| FileRef::Local { path }).collect()).await?;
    let Wanted { mut lock, problems, .. } = wanted;
    if !args.files.is_empty() {
        // the other files' stay as they are
        let named: BTreeSet<_> = lock.iter().map(|one| (one.repository.to_lowercase(), one.reference.clone())).collect();
        before.iter().filter(|one| !named.contains(&(one.repository.to_lowercase(), one.reference.clone()))).for_each(|one| {
            lock.keep(one.clone());
        });
    }
    let changes = changes(&before, &lock);
    if !problems.is_empty() {
        let problems: Vec<String> = problems.into_iter().collect();
        return Err(CliError::other(problems.join("\n"), "nothing was written", exit::NOT_GOOD));
    }
    if !args.check && !changes.is_empty() {
        let io = |source| CliError::Io { what: file.display().to_string(), source };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        let half = file.with_extension("lock.new");
        std::fs::write(&half, lock.to_string()).and_then(|()| std::fs::rename(&half, &file)).map_err(io)?;
    }
    tell(&lock, &changes, args.check, output);
    Ok(ExitCode::from(if args.check && !changes.is_empty() { exit::NOT_GOOD } else { exit::OK }))
}

fn read_lock(file: &std::path::Path) -> Result<ActionsLock, CliError> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ActionsLock::default()),
        Err(source) => return Err(CliError::Io { what: file.display().to_string(), source }),
    };
    ActionsLock::read(&text).map_err(|(line, why)| {
        CliError::other(format!("{}:{line}: {why}", file.display()), "mend it, or remove the file and lock anew", exit::NOT_GOOD)
    })
}

/// The workflows that are looked at, from the repository's root.
fn workflows(place: &Place, args: &LockArgs) -> Result<Vec<String>, CliError> {
    if args.files.is_empty() {
        return Ok(place.all().into_iter().filter(|path| path.starts_with(".github/")).collect());
    }
    let below = |file: &PathBuf| {
        let whole = std::fs::canonicalize(file).map_err(|source| CliError::Io { what: file.display().to_string(), source })?;
        let path = whole.strip_prefix(&place.root).map(|path| path.to_string_lossy().into_owned());
        path.map_err(|_| CliError::other(format!("{} is not in {}", file.display(), place.root.display()), "", exit::USAGE))
    };
    args.files.iter().map(below).collect()
}

/// What is found on the way through workflows and actions.
struct Wanted<'p> {
    place: &'p Place,
    tree: &'p WorkingTree<'p>,
    lock: ActionsLock,
    problems: BTreeSet<String>,
    seen: BTreeSet<FileRef>,
}

impl Wanted<'_> {
    /// Looks at files, and at what they name.
    async fn all(&mut self, mut open: Vec<FileRef>) -> Result<(), CliError> {
        while let Some(file) = open.pop() {
            if !self.seen.insert(file.clone()) {
                continue;
            }
            if self.seen.len() > MAX_FILES {
                return Err(CliError::other(format!("more than {MAX_FILES} files are named"), "", exit::NOT_GOOD));
            }
            let found = match self.find(&file).await? {
                Ok(found) => found,
                Err(why) => {
                    self.problems.insert(format!("{file}: {why}"));
                    continue;
                }
            };
            let path = file.to_string();
            match named(&Source { path: &path, text: &found.text }) {
                Ok(all) => {
                    for one in all {
                        open.extend(self.follow(&file, one).await?);
                    }
                }
                Err(problems) => self.problems.extend(problems.iter().map(ToString::to_string)),
            }
        }
        Ok(())
    }

    /// A file; of an action, by the other name that it may have too.
    async fn find(&self, file: &FileRef) -> Result<Result<Found, String>, CliError> {
        let found = self.tree.find(file).await?;
        let other = match file {
            FileRef::Action { repository, reference, path } if path.ends_with("action.yml") => {
                let path = path.replace("action.yml", "action.yaml");
                FileRef::Action { repository: repository.clone(), reference: reference.clone(), path }
            }
            _ => return Ok(found),
        };
        if found.is_ok() { Ok(found) } else { Ok(self.tree.find(&other).await?.or(found)) }
    }

    /// The file that is named, its commit locked on the way.
    async fn follow(&mut self, from: &FileRef, one: Named) -> Result<Option<FileRef>, CliError> {
        Ok(match one {
            Named::Workflow { path } => Some(match from {
                FileRef::Action { repository, reference, .. } => {
                    FileRef::Action { repository: repository.clone(), reference: reference.clone(), path }
                }
                _ => FileRef::Local { path },
            }),
            Named::Action { path } => {
                let there = ["action.yml", "action.yaml"].iter().map(|name| below(&path, name));
                // what only a job's checkout has is nobody's to lock
                there.into_iter().find(|path| self.place.root.join(path).is_file()).map(|path| FileRef::Local { path })
            }
            Named::Elsewhere { repository, reference, path, workflow, spare } => {
                let commit = match reference.to_lowercase().parse::<CommitId>() {
                    Ok(commit) => Ok(commit),
                    Err(_) => self.locked(&repository, &reference).await?,
                };
                let path = if workflow { path } else { below(&path, "action.yml") };
                match commit {
                    Ok(commit) => {
                        let file = FileRef::Action { repository, reference: commit.to_string(), path };
                        // where there is no copy, Penstock's own is carried out, or the push hears why not
                        if spare && self.find(&file).await?.is_err() { None } else { Some(file) }
                    }
                    Err(_) if spare => None,
                    Err(why) => {
                        self.problems.insert(format!("{repository}@{reference}: {why}"));
                        None
                    }
                }
            }
        })
    }

    /// The commit that a tag or branch stands for now, and what its files come to.
    async fn locked(&mut self, repository: &str, reference: &str) -> Result<Result<CommitId, String>, CliError> {
        if let Some(known) = self.lock.get(repository, reference) {
            return Ok(Ok(known.commit.clone()));
        }
        let mirror = self.tree.mirror();
        let commit = match mirror.stands_for(repository, reference).await {
            Ok(commit) => commit,
            Err(why) => return Ok(Err(why)),
        };
        let folder = tempfile::tempdir().map_err(|source| CliError::Io { what: "a temporary folder".to_owned(), source })?;
        let digest = match mirror.lay_out(None, repository, &commit, &folder.path().join("tree")).await {
            Ok(digest) => digest,
            Err(why) => return Ok(Err(why)),
        };
        let (repository, reference) = (repository.to_owned(), reference.to_owned());
        self.lock.keep(Locked { repository, reference, commit: commit.clone(), digest: Some(digest) });
        Ok(Ok(commit))
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// What becomes different: the action, and its commits before and after.
fn changes(before: &ActionsLock, after: &ActionsLock) -> Vec<(String, Option<Locked>, Option<Locked>)> {
    let mut all: BTreeMap<String, (Option<Locked>, Option<Locked>)> = BTreeMap::new();
    for one in before.iter() {
        all.entry(format!("{}@{}", one.repository, one.reference)).or_default().0 = Some(one.clone());
    }
    for one in after.iter() {
        all.entry(format!("{}@{}", one.repository, one.reference)).or_default().1 = Some(one.clone());
    }
    let differ = all.into_iter().map(|(name, (before, after))| (name, before, after)).filter(|(_, before, after)| before != after);
    differ.collect()
}

fn tell(lock: &ActionsLock, changes: &[(String, Option<Locked>, Option<Locked>)], check: bool, output: Output) {
    if output == Output::Json {
        let commit = |one: &Option<Locked>| one.as_ref().map(|one| one.commit.to_string());
        let changes: Vec<_> = changes
            .iter()
            .map(|(name, before, after)| json!({ "action": name, "before": commit(before), "after": commit(after) }))
            .collect();
        println!("{}", json!({ "locked": lock.iter().count(), "written": !check && !changes.is_empty(), "changes": changes }));
        return;
    }
    for (name, before, after) in changes {
        let name = plain(name);
        match (before, after) {
            (None, Some(after)) if check => println!("{name} is not locked; it stands for {}", after.commit),
            (None, Some(after)) => println!("{name} is locked to {}", after.commit),
            (Some(before), Some(after)) if before.commit == after.commit => println!("{name}: the files of {} are others", after.commit),
            (Some(before), Some(after)) => println!("{name} was moved: from {} to {}", before.commit, after.commit),
            (Some(_), None) => println!("{name} is named nowhere any more"),
            (None, None) => {}
        }
    }
    let count = counted(lock.iter().count(), "action");
    match (changes.is_empty(), check) {
        (true, _) => println!("{} {count} locked", green("fine:")),
        (false, true) => eprintln!("{}", dim("`penstock actions lock` takes it")),
        (false, false) => println!("{count} in {}", ActionsLock::PATH),
    }
}
