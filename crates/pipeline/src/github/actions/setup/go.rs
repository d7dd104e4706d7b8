//! `actions/setup-go`.

use super::super::act::{Inputs, quoted};
use super::super::facts::Facts;
use super::super::table::{BuiltIn, Known, anything};
use super::{Begun, Env, Found, Setup, Tool, Wish, first_line, folder, of_tool_versions};

pub(in super::super) const KNOWN: Known = Known {
    name: "actions/setup-go",
    built_in: BuiltIn::SetupGo,
    majors: &[1, 2, 3, 4, 5, 6, 7],
    branches: &["main"],
    inputs: &[
        "go-version",
        "go-version-file",
        "check-latest",
        "token",
        "cache",
        "cache-dependency-path",
        "architecture",
        "go-download-base-url",
    ],
    check: anything,
    begin,
};

const TOOL: Tool = Tool {
    title: "Go",
    image: "golang:1",
    programs: &["go"],
    elsewhere: &[
        "/usr/local/go/bin/go",
        "/usr/local/go*/bin/go",
        "/usr/lib/go-*/bin/go",
        "/opt/hostedtoolcache/go/*/*/bin/go",
        "/opt/go*/bin/go",
    ],
    version: "GOTOOLCHAIN=local \"$1\" env GOVERSION 2>/dev/null | sed 's/^go//'",
    of_file,
    range: |wish| match wish {
        "stable" | "oldstable" | "latest" => Some(Wish::Highest(|_| true)),
        _ => Wish::of_range(wish),
    },
    apply,
};

fn of_file(name: &str, text: &str) -> Option<String> {
    match name {
        ".tool-versions" => of_tool_versions(text, &["golang", "go"]),
        "go.mod" | "go.work" => {
            let word =
                |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)?.split_whitespace().next().map(str::to_owned));
            let toolchain = word("toolchain ").and_then(|version| version.strip_prefix("go").map(str::to_owned));
            toolchain.or_else(|| word("go "))
        }
        _ => first_line(text),
    }
}

fn apply(found: &Found) -> String {
    let go = quoted(&found.path);
    format!(
        "echo {} >> \"$GITHUB_PATH\"\nb=$({go} env GOPATH)/bin; mkdir -p \"$b\" 2>/dev/null || true; echo \"$b\" >> \"$GITHUB_PATH\"\necho 'GOTOOLCHAIN=local' >> \"$GITHUB_ENV\"\n",
        quoted(folder(&found.path))
    )
}

fn begin(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let wishes: Vec<String> = inputs.get("go-version").map(str::to_owned).into_iter().collect();
    let file = inputs.get("go-version-file").filter(|_| wishes.is_empty());
    let mut setup = Setup::new(&TOOL, wishes, file, "go-version");
    setup.caches(&inputs);
    Ok(Box::new(setup))
}
