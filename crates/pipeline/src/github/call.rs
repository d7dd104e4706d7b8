//! Jobs that call another workflow: its jobs become jobs of the plan.

use std::collections::BTreeMap;

use super::actions;
use super::checked::{self, checked_text};
use super::contexts::{CALL_SECRETS, early_inputs};
use super::job::{Called, Draft};
use super::late::{self, Late};
use super::needs;
use super::on;
use super::planner::{Planner, Scope, numbered_if, of_combination, title};
use super::workflow::{File, as_variables};
use crate::input::Source;
use crate::library::FileRef;
use crate::plan::{CallInput, CallSecrets, Matrix, PlannedCall, PlannedSource};
use crate::reader::{Problems, join, shown};
use crate::yaml::{At, Budget, Node, Value as Yaml};

/// How many workflows may call each other in a row (GitHub's own bound).
const MAX_LEVELS: usize = 10;
/// The most workflows that may be called from one (GitHub's own bound).
const MAX_CALLED: usize = 50;
/// Where workflows lie.
const FOLDER: &str = ".github/workflows/";

/// A called workflow, read.
struct Callee<'n> {
    file: File<'n>,
    source: PlannedSource,
}

/// A call that is to be added.
pub(super) struct Adding<'a> {
    pub(super) because: &'a [String],
    /// Whether its jobs are in the plan.
    pub(super) starts: bool,
    /// Whether what its matrix gives is not known yet.
    pub(super) without_matrix: bool,
}

impl Planner<'_> {
    /// Adds the calls that a job becomes, with the jobs of the called workflow; without [`Adding::starts`] they are only checked.
    pub(super) fn add_calls(
        &mut self,
        draft: &Draft<'_>,
        called: &Called<'_>,
        scope: &Scope,
        places: Vec<Option<Matrix>>,
        adding: &Adding<'_>,
        problems: &mut Problems,
    ) {
        let path = Scope::path(&draft.key);
        for (key, at) in &called.strange {
            let help = "a job that calls a workflow has: concurrency, if, name, needs, permissions, secrets, strategy, uses, with";
            problems.add(*at, &join(&path, key), format!("`{key}` cannot stand beside `uses`"), help);
        }
        let Some(file) = self.named(called.uses, scope, &join(&path, "uses"), problems) else { return };
        let Some(found) = problems.found(self.library, &file, called.uses.at, &join(&path, "uses")) else { return };
        self.text += found.text.len();
        if self.is_too_much(draft, 0, problems) {
            return;
        }
        let written = file.to_string();
        let number = problems.file(&written);
        let source = Source { path: &written, text: &found.text };
        let Some(root) = problems.document(&source, number, &mut Budget::new()) else { return };
        let Some(read) = File::read(&root, problems) else { return };
        checked::told(&root, "", self.event, problems);
        needs::check(&read.drafts, problems);
        if let Some(concurrency) = &read.concurrency {
            let at = At { line: concurrency.line, ..At::start(number) };
            problems.add(
                at,
                "concurrency",
                "`concurrency` of a called workflow is not carried out",
                "give it to the workflow that calls, or to a job",
            );
        }
        let callee = Callee { file: read, source: PlannedSource { file, text: found.text.clone() } };
        let before = (self.jobs.len(), self.calls.len(), self.left_out.len());
        for (index, matrix) in places.into_iter().enumerate() {
            let name = numbered_if(self.calls.iter().map(|call| call.name.as_str()), scope, draft, matrix.as_ref(), index);
            self.add_call(draft, called, scope, (name, matrix), &callee, adding, problems);
        }
        if adding.without_matrix {
            // what they name in the repository is kept with the plan
            actions::read_local(&mut self.jobs[before.0..], self.event, self.library, problems);
        }
        if !adding.starts || adding.without_matrix {
            self.jobs.truncate(before.0);
            self.calls.truncate(before.1);
            self.left_out.truncate(before.2);
        }
    }

    /// The file that `uses` names.
    fn named(&mut self, node: &Node, scope: &Scope, path: &str, problems: &mut Problems) -> Option<FileRef> {
        let written = checked::literal(node, path, problems)?;
        let file = match file_of(&written, &scope.source.file) {
            Ok(file) => file,
            Err((message, help)) => {
                problems.add(node.at, path, format!("`{}` {message}", shown(&written)), help);
                return None;
            }
        };
        let file = match file {
            FileRef::Action { repository, reference, path: file } => {
                let at = (node.at, path);
                let origin = actions::pinned((&repository, &reference), at, self.event, self.library, problems)?;
                FileRef::Action { repository, reference: origin.commit.to_string(), path: file }
            }
            local => local,
        };
        if scope.chain.contains(&file) {
            let chain = scope.chain.iter().chain([&file]).map(ToString::to_string).collect::<Vec<_>>().join(" -> ");
            problems.add(node.at, path, format!("workflows call each other in a circle: {chain}"), "take one of these calls out");
            return None;
        }
        self.called.insert(file.clone());
        let too_deep = scope.chain.len() >= MAX_LEVELS;
        if too_deep || self.called.len() > MAX_CALLED {
            let message = if too_deep {
                format!("more than {MAX_LEVELS} workflows call each other in a row")
            } else {
                format!("more than {MAX_CALLED} workflows are called")
            };
            problems.add(node.at, path, message, "put their jobs together");
            return None;
        }
        Some(file)
    }

    #[allow(clippy::too_many_arguments, reason = "a call is made of that much")]
    fn add_call(
        &mut self,
        draft: &Draft<'_>,
        called: &Called<'_>,
        scope: &Scope,
        (name, matrix): (String, Option<Matrix>),
        callee: &Callee<'_>,
        adding: &Adding<'_>,
        problems: &mut Problems,
    ) {
        let path = Scope::path(&draft.key);
        let Some(gives) = callee.file.on.as_ref().and_then(|on| on.call.as_ref()) else {
            let message = format!("`{}` is not to be called: it has no `workflow_call`", shown(&callee.source.file.to_string()));
            problems.add(called.uses.at, &join(&path, "uses"), message, "write `on: workflow_call` in it");
            return;
        };
        let contexts = of_combination(&scope.early, matrix.as_ref());
        let late = if adding.without_matrix { scope.late.with_matrix() } else { scope.late.clone() };
        let unknown = adding.without_matrix && draft.name.is_some_and(|node| late.asks_in(node));
        let title = if unknown { Some(draft.key.clone()) } else { title(draft, matrix.as_ref(), &contexts, problems) };
        let Some(title) = title else { return };
        let caller = on::Caller { with: called.with, at: called.uses.at, path: join(&path, "with"), contexts: &contexts, late: &late };
        let inputs = gives.inputs.called(&caller, &scope.early, problems);
        let Some(secrets) = secrets(called, gives, &join(&path, "secrets"), problems) else { return };
        let permissions = self.allowed(draft, scope);
        let outputs = gives.outputs.iter().filter_map(|(name, node)| Some((name.clone(), node.text()?.to_owned())));
        self.calls.push(PlannedCall {
            name: name.clone(),
            title: scope.titled(title.clone()),
            group: scope.name(&draft.key),
            within: scope.call.clone(),
            line: draft.at.line,
            file: callee.source.file.clone(),
            needs: draft.needs.iter().map(|(key, _)| scope.name(key)).collect(),
            condition: draft.condition.clone(),
            inputs: inputs.clone(),
            secrets,
            outputs: outputs.collect(),
            variables: as_variables(&callee.file.env),
            permissions: permissions.clone(),
            matrix,
        });
        let inner = Scope {
            call: Some(name),
            title: Some(scope.titled(title)),
            because: adding
                .because
                .iter()
                .cloned()
                .chain([format!("`{}` calls its workflow (line {})", draft.key, draft.at.line)])
                .collect(),
            source: callee.source.clone(),
            chain: scope.chain.iter().chain([&callee.source.file]).cloned().collect(),
            early: early_inputs(&scope.early, &inputs),
            late: Late::with_inputs(
                inputs.iter().filter(|(_, input)| matches!(input, CallInput::Expression { .. })).map(|(name, _)| name.clone()),
            ),
            permissions: match (&callee.file.permissions, permissions) {
                (Some(own), Some(outer)) => Some(own.within(&outer)),
                (own, outer) => own.clone().or(outer),
            },
        };
        for own in &callee.file.drafts {
            self.add(own, &inner, problems);
        }
    }

    /// Keeps the place of a job that is settled once what it needs is done.
    pub(super) fn add_later(&mut self, draft: &Draft<'_>, scope: &Scope, because: Vec<String>, starts: bool, problems: &mut Problems) {
        late::check(draft, problems);
        if self.is_too_much(draft, 1, problems) {
            return;
        }
        if let Some(called) = &draft.call {
            let adding = Adding { because: &because, starts: false, without_matrix: true };
            self.add_calls(draft, called, scope, vec![None], &adding, problems);
        }
        let Some(job) = self.bare(draft, scope, &scope.name(&draft.key), &because, problems) else { return };
        if starts {
            self.keep(scope, draft.call.is_some());
            self.jobs.push(crate::plan::PlannedJob { late: true, ..job });
        }
    }

    /// Keeps the files that a job is read from again.
    fn keep(&mut self, scope: &Scope, calls: bool) {
        let mut sources = vec![scope.source.clone()];
        if calls {
            sources.extend(self.library.found().map(|(file, found)| PlannedSource { file: file.clone(), text: found.text.clone() }));
        }
        for source in sources {
            if !self.sources.iter().any(|known| known.file == source.file) {
                self.text += source.text.len();
                self.sources.push(source);
            }
        }
    }
}

/// A file by what `uses` says in another one.
fn file_of(written: &str, from: &FileRef) -> Result<FileRef, (&'static str, &'static str)> {
    let is_workflow = |path: &str| {
        path.strip_prefix(FOLDER).is_some_and(|name| !name.contains('/') && (name.ends_with(".yml") || name.ends_with(".yaml")))
    };
    let not_there = ("is no workflow: they lie in `.github/workflows` and end with .yml or .yaml", "write `./.github/workflows/NAME.yml`");
    if let Some(path) = written.strip_prefix("./") {
        if path.contains('@') {
            return Err(("is of this repository, and so of this commit", "remove what follows the `@`"));
        }
        if !is_workflow(path) {
            return Err(not_there);
        }
        return Ok(match from {
            FileRef::Action { repository, reference, .. } => {
                FileRef::Action { repository: repository.clone(), reference: reference.clone(), path: path.to_owned() }
            }
            _ => FileRef::Local { path: path.to_owned() },
        });
    }
    let pinned = "write `OWNER/NAME/.github/workflows/FILE.yml@COMMIT`";
    let (place, reference) = written.split_once('@').ok_or(("names no commit", pinned))?;
    let mut parts = place.splitn(3, '/');
    let (Some(owner), Some(name), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(("is no workflow of another repository", pinned));
    };
    if !is_workflow(path) {
        return Err(not_there);
    }
    let repository = format!("{owner}/{name}");
    if !actions::is_repository(&repository) || !actions::is_reference(reference) {
        return Err(not_there);
    }
    Ok(FileRef::Action { repository, reference: reference.to_owned(), path: path.to_owned() })
}

/// The secrets that a call hands on.
fn secrets(called: &Called<'_>, gives: &on::Call<'_>, path: &str, problems: &mut Problems) -> Option<CallSecrets> {
    let mut named = BTreeMap::new();
    match called.secrets.map(|node| (&node.value, node)) {
        Some((Yaml::Scalar { .. }, node)) if node.text() == Some("inherit") => return Some(CallSecrets::Inherit),
        Some((Yaml::Map(entries), _)) => {
            for (key, value) in entries {
                let path = join(path, &key.text);
                let Some((name, _)) = gives.secrets.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key.text)) else {
                    let message = format!("the called workflow takes no secret `{}`", shown(&key.text));
                    let names: Vec<&str> = gives.secrets.iter().map(|(name, _)| name.as_str()).collect();
                    problems.add(key.at, &path, message, crate::reader::closest(&key.text, &names));
                    continue;
                };
                named.insert(name.clone(), checked_text(value, &path, &CALL_SECRETS, problems)?);
            }
        }
        Some((_, node)) => problems.add(node.at, path, "secrets are a mapping, or `inherit`", "write `secrets: inherit`"),
        None => {}
    }
    for (name, _) in gives.secrets.iter().filter(|(name, required)| *required && !named.contains_key(name)) {
        let message = format!("the called workflow must get the secret `{}`", shown(name));
        problems.add(called.uses.at, path, message, "give it below `secrets`, or write `secrets: inherit`");
    }
    Some(CallSecrets::Named(named))
}
