//! Toolchains of which nothing has to be known but their version: Bun, Deno, `CMake` with Ninja, and Python of `deadsnakes`.

use serde_json::Value as Json;

use super::super::act::{Act, Inputs, quoted};
use super::super::facts::Facts;
use super::super::sequence::{Sequence, ready};
use super::super::table::{BuiltIn, Known, anything, is_false, without};
use super::{Begun, Env, Found, Setup, Tool, Wish, first_line, folder, of_tool_versions, python};

pub(in super::super) const BUN: Known = Known {
    name: "oven-sh/setup-bun",
    built_in: BuiltIn::SetupBun,
    majors: &[1, 2],
    branches: &["main"],
    inputs: &["bun-version", "bun-version-file", "bun-download-url", "registries", "registry-url", "scope", "no-cache", "token"],
    check: |inputs| without(inputs, &["registries", "registry-url"], |_| false, "write a `bunfig.toml` or `.npmrc` in a step of its own"),
    begin: |inputs, _, _| {
        let mut setup = versioned(&TOOL_BUN, &inputs, "bun-version", "bun-version-file", "bun-version");
        if setup.wishes.is_empty() && setup.files.is_empty() {
            setup.files = vec!["package.json".to_owned()];
        }
        setup.otherwise = Some("latest");
        setup.path_output = Some("bun-path");
        setup.outputs.push(("cache-hit", "true".to_owned()));
        setup.after.push_str("echo \"bun-revision=$(bun --revision)\" >> \"$GITHUB_OUTPUT\"\n");
        Ok(Box::new(setup))
    },
};

pub(in super::super) const DENO: Known = Known {
    name: "denoland/setup-deno",
    built_in: BuiltIn::SetupDeno,
    majors: &[1, 2],
    branches: &["main"],
    inputs: &["deno-version", "deno-version-file", "deno-binary-name", "target", "cache", "cache-hash"],
    check: |inputs| {
        let help = "remove it: the machine's `deno` is taken as it is";
        without(inputs, &["deno-binary-name", "target"], |given| given == "deno", help)
    },
    begin: |inputs, _, _| {
        let mut setup = versioned(&TOOL_DENO, &inputs, "deno-version", "deno-version-file", "deno-version");
        setup.otherwise = Some("2.x");
        setup.caches(&inputs);
        setup.outputs.push(("release-channel", "stable".to_owned()));
        setup.after.push_str("echo \"$HOME/.deno/bin\" >> \"$GITHUB_PATH\"\n");
        Ok(Box::new(setup))
    },
};

pub(in super::super) const CMAKE: Known = Known {
    name: "lukka/get-cmake",
    built_in: BuiltIn::GetCmake,
    // versions of CMake are its versions
    majors: &[3, 4],
    branches: &["latest", "main"],
    inputs: &["cmakeversion", "ninjaversion", "usecloudcache", "uselocalcache"],
    check: anything,
    begin: |inputs, _, _| {
        let of = |tool, name, output| {
            let wish = inputs.or(name, "latest").to_owned();
            let mut setup = Setup::new(tool, vec![wish], None, "penstock.version");
            setup.path_output = Some(output);
            Box::new(setup) as Box<dyn Act>
        };
        let cmake = of(&TOOL_CMAKE, "cmakeversion", "cmake-path");
        let ninja = of(&TOOL_NINJA, "ninjaversion", "ninja-path");
        Ok(Sequence::boxed(vec![ready(cmake), ready(ninja)]))
    },
};

pub(in super::super) const DEADSNAKES: Known = Known {
    name: "deadsnakes/action",
    built_in: BuiltIn::Deadsnakes,
    majors: &[1, 2, 3],
    branches: &["main"],
    inputs: &["python-version", "debug", "nogil"],
    check: |inputs| without(inputs, &["debug", "nogil"], is_false, "run the job in an image that has such a Python"),
    begin: deadsnakes,
};

fn deadsnakes(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let mut setup = Setup::new(&python::TOOL, vec![inputs.needed("python-version")?.to_owned()], None, "penstock.version");
    // it is where versions before a release come from
    setup.early = true;
    Ok(Box::new(setup))
}

fn versioned(tool: &'static Tool, inputs: &Inputs, version: &str, file: &str, output: &'static str) -> Setup {
    let wishes: Vec<String> = inputs.get(version).map(str::to_owned).into_iter().collect();
    let file = inputs.get(file).filter(|file| wishes.is_empty() && *file != "null");
    Setup::new(tool, wishes, file, output)
}

fn latest(wish: &str) -> Option<Wish> {
    match wish {
        "latest" | "latestrc" => Some(Wish::Highest(|_| true)),
        _ => Wish::of_range(wish),
    }
}

fn on_path(found: &Found) -> String {
    let folder = quoted(folder(&found.path));
    format!("echo {folder} >> \"$GITHUB_PATH\"; PATH={folder}:$PATH\n")
}

const TOOL_BUN: Tool = Tool {
    title: "Bun",
    image: "oven/bun:1",
    programs: &["bun"],
    elsewhere: &["/opt/bun*/bin/bun", "/usr/local/bun*/bin/bun"],
    version: "\"$1\" --version 2>/dev/null",
    of_file: |name, text| match name {
        ".tool-versions" => of_tool_versions(text, &["bun"]),
        "package.json" => {
            let json: Json = serde_json::from_str(text).ok()?;
            let named = json.get("packageManager").and_then(Json::as_str).and_then(|manager| manager.strip_prefix("bun@"));
            named.or_else(|| json.pointer("/engines/bun").and_then(Json::as_str)).map(str::to_owned)
        }
        _ => first_line(text),
    },
    range: latest,
    apply: on_path,
};

const TOOL_DENO: Tool = Tool {
    title: "Deno",
    image: "denoland/deno:2",
    programs: &["deno"],
    elsewhere: &["/opt/deno*/deno", "/opt/deno*/bin/deno"],
    version: "\"$1\" --version 2>/dev/null | sed -n '1s/^deno //; 1s/ .*//p'",
    of_file: |name, text| match name {
        ".tool-versions" => of_tool_versions(text, &["deno"]),
        _ => first_line(text),
    },
    range: latest,
    apply: on_path,
};

const TOOL_CMAKE: Tool = Tool {
    title: "CMake",
    image: "",
    programs: &["cmake"],
    elsewhere: &["/opt/cmake*/bin/cmake", "/usr/local/cmake*/bin/cmake"],
    version: "\"$1\" --version 2>/dev/null | sed -n '1s/.*version //p'",
    of_file: |_, _| None,
    range: latest,
    apply: on_path,
};

const TOOL_NINJA: Tool = Tool {
    title: "Ninja",
    programs: &["ninja"],
    elsewhere: &["/opt/ninja*/ninja", "/opt/ninja*/bin/ninja"],
    version: "\"$1\" --version 2>/dev/null",
    ..TOOL_CMAKE
};
