//! `dtolnay/rust-toolchain` and those like it: a toolchain of the machine's rustup, or the system's own.

use super::super::act::{Act, Inputs, quoted};
use super::super::facts::Facts;
use super::super::rust_cache;
use super::super::sequence::{Sequence, ready};
use super::super::table::{BuiltIn, Known, Refusal, anything};
use super::{Begun, Env, Found, Setup, Tool, Wish};

pub(in super::super) const TOOLCHAIN: Known = Known {
    name: "dtolnay/rust-toolchain",
    built_in: BuiltIn::RustToolchain,
    majors: &[1],
    branches: &["stable", "beta", "nightly", "nightly-*", "master"],
    inputs: &["toolchain", "targets", "target", "components"],
    check: anything,
    begin: toolchain,
};

pub(in super::super) const ACTIONS_RS: Known = Known {
    name: "actions-rs/toolchain",
    built_in: BuiltIn::ActionsRsToolchain,
    majors: &[1],
    branches: &["master"],
    inputs: &["toolchain", "target", "default", "override", "profile", "components"],
    check: anything,
    begin: actions_rs,
};

pub(in super::super) const SETUP: Known = Known {
    name: "actions-rust-lang/setup-rust-toolchain",
    built_in: BuiltIn::SetupRust,
    majors: &[1],
    branches: &["main"],
    inputs: &[
        "toolchain",
        "target",
        "components",
        "cache",
        "cache-workspaces",
        "cache-directories",
        "cache-on-failure",
        "cache-key",
        "cache-shared-key",
        "cache-bin",
        "cache-provider",
        "cache-all-crates",
        "cache-workspace-crates",
        "cache-save-if",
        "cache-targets",
        "matcher",
        "rustflags",
        "override",
        "rust-src-dir",
    ],
    check: setup_check,
    begin: setup,
};

const TOOL: Tool = Tool {
    title: "Rust",
    image: "rust:1",
    programs: &["rustc", "../../.rustup/toolchains/*/bin/rustc", "../toolchains/*/bin/rustc"],
    elsewhere: &[
        "${RUSTUP_HOME:-$HOME/.rustup}/toolchains/*/bin/rustc",
        "/usr/local/rustup/toolchains/*/bin/rustc",
        "/opt/rust*/toolchains/*/bin/rustc",
        "/opt/rust*/bin/rustc",
    ],
    // what stands beside rustup stands for a toolchain, and is none
    version: "[ -x \"${1%/*}/rustup\" ] || \"$1\" --version 2>/dev/null | sed 's/^rustc //; s/ .*//'",
    of_file: |name, text| match name {
        "rust-toolchain.toml" => channel(text),
        _ => channel(text).or_else(|| super::first_line(text)),
    },
    range,
    apply,
};

/// The channel of a `rust-toolchain.toml`.
fn channel(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.starts_with("channel"))?;
    Some(line.split_once('=')?.1.trim().trim_matches(['"', '\'']).to_owned())
}

fn range(wish: &str) -> Option<Wish> {
    match wish {
        "stable" => Some(Wish::Highest(|version| !version.is_early())),
        "beta" => Some(Wish::Highest(|version| version.word().starts_with("beta"))),
        "nightly" => Some(Wish::Highest(|version| version.word().starts_with("nightly"))),
        // a day's, or one of a name that only rustup knows
        _ if wish.starts_with(char::is_alphabetic) && !wish.contains(' ') => Some(Wish::Folder(wish.to_owned())),
        _ => Wish::of_range(wish),
    }
}

/// Where rustup is there, the job gets a folder of its own for it in which all toolchains lie, so that `cargo +nightly` and
/// `rust-toolchain.toml` mean what they mean; the toolchain becomes its default. Otherwise its programs go to the `PATH`.
fn apply(found: &Found) -> String {
    let root = found.path.strip_suffix("/bin/rustc").unwrap_or(&found.path);
    format!(
        concat!(
            "t=$(cd {root} && pwd); n=${{t##*/}}\n",
            "r=$(command -v rustup || true); [ -n \"$r\" ] || for d in \"$t/../../bin\" \"$t/../../../.cargo/bin\"; do [ ! -x \"$d/rustup\" ] || r=$d/rustup; done\n",
            "case \"$t\" in */toolchains/*) ;; *) r='' ;; esac\n",
            "if [ -n \"$r\" ]; then\n",
            "  m=$HOME/.rustup/toolchains; mkdir -p \"$m\"\n",
            "  if ! [ \"${{t%/*}}\" -ef \"$m\" ]; then for d in \"${{t%/*}}\"/*/; do d=${{d%/}}; [ -e \"$m/${{d##*/}}\" ] || ln -s \"$d\" \"$m/${{d##*/}}\"; done; fi\n",
            "  export RUSTUP_HOME=\"$HOME/.rustup\"; echo \"RUSTUP_HOME=$RUSTUP_HOME\" >> \"$GITHUB_ENV\"\n",
            "  \"$r\" default \"$n\" > /dev/null 2>&1 || echo \"RUSTUP_TOOLCHAIN=$n\" >> \"$GITHUB_ENV\"\n",
            "  b=${{r%/*}}\n",
            "else b=$t/bin; fi\n",
            "echo \"$b\" >> \"$GITHUB_PATH\"; PATH=$b:$PATH\n",
            "c=${{CARGO_HOME:-$HOME/.cargo}}; mkdir -p \"$c/bin\"; echo \"CARGO_HOME=$c\" >> \"$GITHUB_ENV\"; echo \"$c/bin\" >> \"$GITHUB_PATH\"\n",
        ),
        root = quoted(root)
    )
}

/// Fails for targets and components that the toolchain does not have.
fn parts(targets: &str, components: &str) -> String {
    let words = |text: &str| text.split([',', ' ', '\n']).map(str::trim).filter(|word| !word.is_empty()).map(quoted).collect::<Vec<_>>();
    let (targets, components) = (words(targets).join(" "), words(components).join(" "));
    let mut script = String::new();
    if !targets.is_empty() {
        script.push_str(&format!(
            "for x in {targets}; do [ -d \"$t/lib/rustlib/$x/lib\" ] || {{ echo \"##[error]the toolchain $n has no target $x, and nothing is downloaded: add it on the machine (rustup target add --toolchain $n $x), or run the job in an image that has it\"; exit 1; }}; done\n"
        ));
    }
    if !components.is_empty() {
        script.push_str(&format!(
            concat!(
                "for x in {}; do y=${{x%-preview}}; l=$t/lib/rustlib/components\n",
                "  if [ -f \"$l\" ]; then grep -qE \"^$y(-preview)?(-|\\$)\" \"$l\" && continue\n",
                "  else case $y in rustfmt) [ -x \"$t/bin/rustfmt\" ] && continue ;; clippy) [ -x \"$t/bin/cargo-clippy\" ] && continue ;; rust-src) [ -d \"$t/lib/rustlib/src/rust\" ] && continue ;; cargo) [ -x \"$t/bin/cargo\" ] && continue ;; esac; fi\n",
                "  echo \"##[error]the toolchain $n has no component $x, and nothing is downloaded: add it on the machine (rustup component add --toolchain $n $x), or run the job in an image that has it\"; exit 1\n",
                "done\n"
            ),
            components
        ));
    }
    script
}

/// A variable for later steps, unless somebody set it.
fn unless_set(variables: &[(&str, &str)]) -> String {
    let line = |(name, value): &(&str, &str)| {
        format!("[ -n \"${{{name}+set}}\" ] || echo {} >> \"$GITHUB_ENV\"\n", quoted(&format!("{name}={value}")))
    };
    variables.iter().map(line).collect()
}

const CACHE_KEY: &str = "v=$(\"$t/bin/rustc\" --version --verbose); printf '%s\\n' \"$v\"; echo \"cachekey=$(printf '%s\\n' \"$v\" | sed -ne 's/^commit-date: \\(....\\)-\\(..\\)-\\(..\\)$/\\1\\2\\3/p')$(printf '%s\\n' \"$v\" | sed -ne 's/^commit-hash: \\(....\\).*/\\1/p')\" >> \"$GITHUB_OUTPUT\"\n";

fn of(wishes: Vec<String>, output: &'static str) -> Setup {
    let mut setup = Setup::new(&TOOL, wishes, None, output);
    setup.early = true;
    setup
}

fn toolchain(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let version = inputs.version();
    // the branch says the toolchain, unless it is one that does not
    let of_branch = (version.contains('.') && !version.starts_with('v'))
        || ["stable", "beta", "nightly"].contains(&version)
        || version.starts_with("nightly-");
    let wish = match inputs.get("toolchain") {
        Some(wish) => wish.to_owned(),
        None if of_branch => version.to_owned(),
        None => {
            return Err("the input `toolchain` is missing: of this version of the action nobody knows which toolchain it means".to_owned());
        }
    };
    let name = quoted(&wish);
    let mut setup = of(vec![wish], "penstock.version");
    let targets = inputs.get("targets").or_else(|| inputs.get("target")).unwrap_or_default();
    setup.after = format!(
        "w={name}; case \"$n\" in \"$w\"|\"$w\"-*) echo \"name=$w\" ;; *) echo \"name=$n\" ;; esac >> \"$GITHUB_OUTPUT\"\n{}{}{CACHE_KEY}",
        parts(targets, inputs.or("components", "")),
        unless_set(&[("CARGO_INCREMENTAL", "0"), ("CARGO_TERM_COLOR", "always")])
    );
    Ok(Box::new(setup))
}

/// The files that say it, in a folder.
fn files(folder: &str) -> Vec<String> {
    ["rust-toolchain.toml", "rust-toolchain"].map(|name| if folder == "." { name.to_owned() } else { format!("{folder}/{name}") }).into()
}

fn actions_rs(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let wishes: Vec<String> = inputs.get("toolchain").map(str::to_owned).into_iter().collect();
    let mut setup = of(wishes, "penstock.version");
    if setup.wishes.is_empty() {
        (setup.files, setup.file_needed) = (files("."), true);
    }
    if let Some(profile) = inputs.get("profile") {
        setup.notes.push(format!("the profile `{profile}` means nothing here: the toolchain has what it has"));
    }
    setup.after = format!(
        "{}v=$(\"$t/bin/rustc\" --version --verbose); printf '%s\\n' \"$v\"\n{{ echo \"rustc=$(printf '%s\\n' \"$v\" | sed -n 's/^release: //p')\"; echo \"rustc_hash=$(printf '%s\\n' \"$v\" | sed -n 's/^commit-hash: //p')\"; echo \"cargo=$(\"$t/bin/cargo\" --version | sed 's/^cargo //; s/ .*//')\"; echo \"rustup=$(rustup --version 2>/dev/null | sed 's/^rustup //; s/ .*//')\"; }} >> \"$GITHUB_OUTPUT\"\n",
        parts(inputs.or("target", ""), inputs.or("components", ""))
    );
    Ok(Box::new(setup))
}

fn setup_check(inputs: &Inputs) -> Result<(), Refusal> {
    rust_cache::provider(inputs, "cache-provider")
}

/// Faults of rustc, cargo and rustfmt in the log.
const MATCHER: &str = r#"{"problemMatcher": [
 {"owner": "rustc", "pattern": [{"regexp": "^(warning|error)(\\[(.*)\\])?: (.*)$", "severity": 1, "code": 3, "message": 4}, {"regexp": "^[\\s]+-->\\s(.*?):(\\d+):(\\d+)$", "file": 1, "line": 2, "column": 3}]},
 {"owner": "rustfmt", "pattern": [{"regexp": "^(Diff in (\\S+):(\\d+)):$", "message": 1, "file": 2, "line": 3}]},
 {"owner": "rust-panic", "pattern": [{"regexp": "^thread '.*' (?:\\(\\d+\\) )?panicked at (.*?):(\\d+):(\\d+):$", "file": 1, "line": 2, "column": 3}, {"regexp": "^(.*)$", "message": 1}]}
]}"#;

fn setup(inputs: Inputs, facts: &Facts, env: &Env) -> Begun {
    let folder = inputs.or("rust-src-dir", ".").to_owned();
    let wishes: Vec<String> =
        inputs.or("toolchain", "").split(',').map(str::trim).filter(|wish| !wish.is_empty()).map(str::to_owned).collect();
    let mut setup = of(wishes, "penstock.version");
    if setup.wishes.is_empty() {
        // without a file `stable` is asked for, which is the highest
        setup.files = files(&folder);
    }
    setup.otherwise = Some("stable");
    if !inputs.flag("override", true)? {
        setup.notes.push("the toolchain is the default, whatever `override` says: it is the job's alone".to_owned());
    }
    let flags = inputs.given("rustflags").unwrap_or("-D warnings");
    let mut variables =
        vec![("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_TERM_COLOR", "always"), ("RUST_BACKTRACE", "short")];
    if !flags.is_empty() {
        variables.push(("RUSTFLAGS", flags));
    }
    let matcher = if inputs.flag("matcher", true)? {
        format!("printf '%s\\n' {} > \"$RUNNER_TEMP/rust.json\"; echo \"::add-matcher::$RUNNER_TEMP/rust.json\"\n", quoted(MATCHER))
    } else {
        String::new()
    };
    setup.after = format!(
        "{}{}{matcher}{CACHE_KEY}{{ echo \"rustc-version=$(\"$t/bin/rustc\" --version)\"; echo \"cargo-version=$(\"$t/bin/cargo\" --version)\"; echo \"rustup-version=$(rustup --version 2>/dev/null || true)\"; }} >> \"$GITHUB_OUTPUT\"\n",
        unless_set(&variables),
        parts(inputs.or("target", ""), inputs.or("components", ""))
    );
    if !inputs.flag("cache", true)? {
        return Ok(Box::new(setup));
    }
    let cache = rust_cache::of_setup(&inputs, &folder);
    let mut parts = vec![ready(Box::new(setup) as Box<dyn Act>)];
    parts.extend(rust_cache::parts(&cache, facts, env)?);
    Ok(Sequence::boxed(parts))
}
