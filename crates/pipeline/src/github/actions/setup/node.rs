//! `actions/setup-node`.

use serde_json::Value;

use super::super::act::{Inputs, quoted};
use super::super::facts::Facts;
use super::super::table::{BuiltIn, Known, anything};
use super::{Begun, Env, Found, Setup, Tool, Wish, first_line, folder, of_tool_versions};

pub(in super::super) const KNOWN: Known = Known {
    name: "actions/setup-node",
    built_in: BuiltIn::SetupNode,
    majors: &[1, 2, 3, 4, 5, 6, 7],
    branches: &["main"],
    inputs: &[
        "node-version",
        "node-version-file",
        "architecture",
        "check-latest",
        "registry-url",
        "scope",
        "token",
        "cache",
        "cache-dependency-path",
        "package-manager-cache",
        "always-auth",
        "mirror",
        "mirror-token",
    ],
    check: anything,
    begin,
};

/// Lines with long support, by their names.
const LTS: &[(&str, &str)] = &[
    ("argon", "4"),
    ("boron", "6"),
    ("carbon", "8"),
    ("dubnium", "10"),
    ("erbium", "12"),
    ("fermium", "14"),
    ("gallium", "16"),
    ("hydrogen", "18"),
    ("iron", "20"),
    ("jod", "22"),
    ("krypton", "24"),
];

const TOOL: Tool = Tool {
    title: "Node.js",
    image: "node:22",
    programs: &["node", "nodejs"],
    elsewhere: &["/opt/hostedtoolcache/node/*/*/bin/node", "/usr/local/node*/bin/node", "/opt/node*/bin/node"],
    version: "\"$1\" --version 2>/dev/null | sed 's/^v//'",
    of_file,
    range,
    apply,
};

fn range(wish: &str) -> Option<Wish> {
    match wish {
        "latest" | "current" | "node" | "*" => Some(Wish::Highest(|_| true)),
        // every second line has it
        "lts/*" | "lts" | "lts/-1" => Some(Wish::Highest(|version| version.numbers[0] % 2 == 0)),
        _ => match wish.strip_prefix("lts/") {
            Some(name) => Wish::of_range(LTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1),
            None => Wish::of_range(wish),
        },
    }
}

fn of_file(name: &str, text: &str) -> Option<String> {
    match name {
        ".tool-versions" => of_tool_versions(text, &["nodejs", "node"]),
        "package.json" => {
            let json: Value = serde_json::from_str(text).ok()?;
            let places = ["/volta/node", "/devEngines/runtime/version", "/engines/node"];
            places.iter().find_map(|place| json.pointer(place)?.as_str().map(str::to_owned))
        }
        _ => first_line(text),
    }
}

fn apply(found: &Found) -> String {
    format!("echo {} >> \"$GITHUB_PATH\"\n", quoted(folder(&found.path)))
}

fn begin(inputs: Inputs, _: &Facts, env: &Env) -> Begun {
    let wishes: Vec<String> = inputs.get("node-version").map(str::to_owned).into_iter().collect();
    let file = inputs.get("node-version-file").filter(|_| wishes.is_empty());
    let mut setup = Setup::new(&TOOL, wishes, file, "node-version");
    setup.caches(&inputs);
    if let Some(registry) = inputs.get("registry-url") {
        setup.after = npmrc(registry, inputs.get("scope"), env);
    }
    Ok(Box::new(setup))
}

/// npm reads the token from the variable when it is used, so that none is written down.
fn npmrc(registry: &str, scope: Option<&str>, env: &Env) -> String {
    let registry = if registry.ends_with('/') { registry.to_owned() } else { format!("{registry}/") };
    let host = registry.split_once(':').map_or(registry.as_str(), |(_, rest)| rest);
    let scope = scope.map(|scope| format!("@{}:", scope.trim_start_matches('@').to_lowercase())).unwrap_or_default();
    let lines = format!("{host}:_authToken=${{NODE_AUTH_TOKEN}}\n{scope}registry={registry}");
    let token =
        if env.contains_key("NODE_AUTH_TOKEN") { "" } else { "echo 'NODE_AUTH_TOKEN=XXXXX-XXXXX-XXXXX-XXXXX' >> \"$GITHUB_ENV\"\n" };
    format!(
        "printf '%s\\n' {} > \"$RUNNER_TEMP/.npmrc\"\necho \"NPM_CONFIG_USERCONFIG=$RUNNER_TEMP/.npmrc\" >> \"$GITHUB_ENV\"\n{token}",
        quoted(&lines)
    )
}
