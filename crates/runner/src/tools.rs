//! Pinned tools, run as jobs are but without network, over an input that they cannot change.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use penstock_model::job::RunnerError;
use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::beneath::Dir;
use crate::lock::{Tool, find};
use crate::runner::{Runner, blocking, io, other};
use crate::sandbox::{Bind, HANDED, HOME, Overlay, Sandbox, SandboxPlan, StepExit};
use crate::scratch::{Scratch, remove};

/// The largest result.
const MAX_RESULT: u64 = 64 << 20;
/// What is kept of standard error.
const MAX_STDERR: usize = 64 * 1024;
/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
const GONE: Duration = Duration::from_secs(30);
/// The file `{output}`.
const RESULT: &str = "result";

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Runs one call.
pub(crate) async fn run(runner: &Runner, call: &ToolCall) -> Result<ToolOutput, RunnerError> {
    let started = Instant::now();
    let tool = verified(runner, call).await?;
    let uid = runner.workspaces.tools_uid();
    let name = format!("tool-{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
    let dir = runner.settings.dir.clone();
    let scratch = blocking("making the tool's directories", move || {
        let made = Scratch::make(&dir, &name, uid).and_then(|scratch| scratch.folder("out", 0o700).map(|_| Arc::new(scratch)));
        made.map_err(io("making the tool's directories"))
    })
    .await?;
    let result = in_sandbox(runner, call, &tool, &scratch, started).await;
    remove(scratch).await;
    result
}

async fn verified(runner: &Runner, call: &ToolCall) -> Result<Tool, RunnerError> {
    // the table of what was hashed already is lent to a thread that may wait, and put back with what it learnt
    let (tools, program) = (runner.tools.clone(), call.program.clone());
    let seen = Arc::clone(&runner.verified);
    blocking("looking at the tool", move || {
        find(&tools, &program, &seen)
            .map_err(|error| RunnerError::Missing { what: format!("the tool `{program}`"), hint: crate::runner::whole(&error) })
    })
    .await
}

async fn in_sandbox(
    runner: &Runner,
    call: &ToolCall,
    tool: &Tool,
    scratch: &Arc<Scratch>,
    started: Instant,
) -> Result<ToolOutput, RunnerError> {
    let input = call.input.canonicalize().map_err(io(format!("finding {}", call.input.display())))?;
    let (place, from) = (Arc::clone(scratch), input.clone());
    let settings = runner.settings.clone();
    let tools = runner.tools.clone();
    let plan = blocking("showing the input to the tool", move || {
        plan(&settings, &tools, &place, &from).map_err(io(format!("showing {} to the tool", from.display())))
    })
    .await?;
    let failed = |error| other(format!("running `{}`", call.program), error);
    let (mut sandbox, out, err) = runner.sandboxes.start(&plan).await.map_err(failed)?;
    let out = tokio::spawn(first(out, MAX_RESULT));
    let err = tokio::spawn(last(err, MAX_STDERR));
    let output = format!("{HANDED}/out/{RESULT}");
    let mut argv = vec![tool.program.display().to_string()];
    argv.extend(call.args.iter().map(|part| part.replace("{input}", &input.display().to_string()).replace("{output}", &output)));
    let directory = if input.is_dir() { input.clone() } else { input.parent().map_or_else(|| "/".into(), Path::to_path_buf) };
    let ended = one(&mut sandbox, argv, environment(&runner.tools), directory, call.timeout).await;
    scratch.shown_by(sandbox.end().await.map_err(failed)?);
    let exit = ended.map_err(failed)?;
    let (out, stderr) =
        (out.await.map_err(|e| other("reading the tool's output", e))?, err.await.map_err(|e| other("reading the tool's output", e))?);
    let Some(exit) = exit else {
        return Err(other(
            format!("running `{}`", call.program),
            format!("it was stopped after {} s, its time limit. It said: {stderr}", call.timeout.as_secs()),
        ));
    };
    let exit_code = exit.code.unwrap_or_else(|| 128 + exit.signal.unwrap_or(0));
    let result = match call.result {
        ToolResult::Stdout => out,
        ToolResult::File => written(scratch).map_err(io(format!("reading what `{}` wrote", call.program)))?,
    };
    if result.len() as u64 > MAX_RESULT {
        return Err(other(format!("running `{}`", call.program), format!("its result is larger than {} MiB", MAX_RESULT >> 20)));
    }
    let ran = exit.code.is_some_and(|code| call.ran.contains(&code));
    let (version, digest) = (tool.version.clone(), tool.digest);
    Ok(ToolOutput { exit_code, ran, result: Bytes::from(result), stderr, version, digest, took: started.elapsed() })
}

/// `None` if the time limit ended it.
async fn one(
    sandbox: &mut Sandbox,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    directory: PathBuf,
    timeout: Duration,
) -> Result<Option<StepExit>, crate::sandbox::SandboxError> {
    sandbox.run(argv, env, directory).await?;
    if let Ok(exit) = tokio::time::timeout(timeout, sandbox.exited()).await {
        return exit.map(Some);
    }
    sandbox.stop(GRACE).await?;
    // whether it goes or not, the sandbox ends next
    let _ = tokio::time::timeout(GRACE + GONE, sandbox.exited()).await;
    Ok(None)
}

fn environment(tools: &Path) -> BTreeMap<String, String> {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", tools.join("bin").display());
    [
        ("HOME", HOME),
        ("LANG", "C.UTF-8"),
        ("PATH", path.as_str()),
        ("TMPDIR", "/tmp"),
        ("USER", "job"),
        ("NO_COLOR", "1"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// What the tool sees: itself, its input at the input's own path, read-only, and a directory for its result.
fn plan(settings: &penstock_model::job::RunnerSettings, tools: &Path, scratch: &Scratch, input: &Path) -> std::io::Result<SandboxPlan> {
    let mut plan = scratch.plan(settings, false);
    plan.binds.push(Bind::shown(tools, tools));
    plan.binds.push(Bind::writable(scratch.path("out"), format!("{HANDED}/out")));
    let found = std::fs::metadata(input)?;
    let readable = found.permissions().mode() & if found.is_dir() { 0o005 } else { 0o004 };
    if readable == if found.is_dir() { 0o005 } else { 0o004 } {
        plan.binds.push(Bind::shown(input, input));
    } else if found.is_dir() {
        // a directory that only root may enter is seen through one that anybody may
        let open = scratch.folder("open", 0o755)?;
        plan.overlays.push(Overlay { lower: vec![open, input.to_path_buf()], upper: None, to: input.to_path_buf() });
    } else {
        let copy = scratch.path("input");
        std::fs::copy(input, &copy)?;
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o444))?;
        plan.binds.push(Bind::shown(copy, input));
    }
    Ok(plan)
}

fn written(scratch: &Scratch) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Dir::open(&scratch.path("out"))?.read(Path::new(RESULT))?.take(MAX_RESULT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first bytes of a pipe, one more than the limit if there are more; the rest is read and thrown away.
async fn first(pipe: pipe::Receiver, limit: u64) -> Vec<u8> {
    let (mut bytes, mut pipe) = (Vec::new(), pipe);
    // a pipe that cannot be read has ended
    let _ = (&mut pipe).take(limit + 1).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    bytes
}

/// The last bytes of a pipe.
async fn last(mut pipe: pipe::Receiver, limit: usize) -> String {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > 2 * limit {
            kept.drain(..kept.len() - limit);
        }
    }
    let from = kept.len().saturating_sub(limit);
    String::from_utf8_lossy(&kept[from..]).into_owned()
}
