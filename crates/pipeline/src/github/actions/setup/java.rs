//! `actions/setup-java`.

use super::super::act::{Inputs, quoted};
use super::super::facts::Facts;
use super::super::table::{BuiltIn, Known, Refusal};
use super::{Begun, Env, Found, Setup, Tool, Wish, first_line, folder, of_tool_versions};

pub(in super::super) const KNOWN: Known = Known {
    name: "actions/setup-java",
    built_in: BuiltIn::SetupJava,
    majors: &[1, 2, 3, 4, 5, 6],
    branches: &["main"],
    inputs: &[
        "java-version",
        "java-version-file",
        "distribution",
        "java-package",
        "architecture",
        "jdkfile",
        "check-latest",
        "server-id",
        "server-username",
        "server-password",
        "settings-path",
        "overwrite-settings",
        "gpg-private-key",
        "gpg-passphrase",
        "cache",
        "cache-dependency-path",
        "job-status",
        "token",
        "mvn-toolchain-id",
        "mvn-toolchain-vendor",
    ],
    check,
    begin,
};

const TOOL: Tool = Tool {
    title: "Java",
    image: "eclipse-temurin:21",
    programs: &["java"],
    elsewhere: &["/usr/lib/jvm/*/bin/java", "/opt/hostedtoolcache/*/*/x64/bin/java", "/opt/java/*/bin/java"],
    // `openjdk version "17.0.9"`; the eighth calls itself 1.8.0_392
    version: "\"$1\" -version 2>&1 | sed -n 's/.* version \"\\([^\"]*\\)\".*/\\1/p' | sed 's/^1\\.\\([0-9]*\\)\\.0_*/\\1.0./; s/_/./g' | head -n 1",
    of_file: |name, text| match name {
        ".tool-versions" => of_tool_versions(text, &["java"]).map(|version| plain(&version)),
        ".sdkmanrc" => text.lines().find_map(|line| line.trim().strip_prefix("java=").map(plain)),
        _ => first_line(text).map(|line| plain(&line)),
    },
    range: |wish| {
        let wish = wish.trim_end_matches("-ea");
        Wish::of_range(wish.strip_prefix("1.8").map_or(wish, |_| "8").split('+').next().unwrap_or(wish))
    },
    apply,
};

/// A version without the distribution before or behind it: `temurin-17.0.9`, `17.0.9-tem`.
fn plain(text: &str) -> String {
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    text[start..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    for name in ["jdkfile", "gpg-private-key"] {
        if inputs.get(name).is_some() {
            return Err(Refusal::input(name, format!("`{name}` is not carried out"), "do it in a step of its own"));
        }
    }
    Ok(())
}

fn apply(found: &Found) -> String {
    let major = found.version.numbers[0];
    let arch = if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" };
    format!(
        "j=$(readlink -f {}); j=${{j%/bin/java}}\necho \"JAVA_HOME=$j\" >> \"$GITHUB_ENV\"; echo \"JAVA_HOME_{major}_{arch}=$j\" >> \"$GITHUB_ENV\"\necho {} >> \"$GITHUB_PATH\"\necho \"path=$j\" >> \"$GITHUB_OUTPUT\"\n",
        quoted(&found.path),
        quoted(folder(&found.path))
    )
}

fn begin(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let wishes = inputs.lines("java-version");
    let file = inputs.get("java-version-file").filter(|_| wishes.is_empty());
    if wishes.is_empty() && file.is_none() {
        return Err("the input `java-version` is missing".to_owned());
    }
    let mut setup = Setup::new(&TOOL, wishes, file, "version");
    setup.caches(&inputs);
    setup.path_output = Some("path");
    if let Some(distribution) = inputs.get("distribution") {
        setup.notes.push(format!("whoever made this Java, it stands for `{distribution}`"));
        setup.outputs.push(("distribution", distribution.to_owned()));
    }
    setup.after = settings(&inputs);
    Ok(Box::new(setup))
}

/// Maven's settings for publishing, if they are asked for: the words stand for variables.
fn settings(inputs: &Inputs) -> String {
    let Some(id) = inputs.get("server-id") else { return String::new() };
    let (user, password) = (inputs.or("server-username", "GITHUB_ACTOR"), inputs.or("server-password", "GITHUB_TOKEN"));
    let text = format!(
        "<settings xmlns=\"http://maven.apache.org/SETTINGS/1.0.0\"><interactiveMode>false</interactiveMode><servers><server><id>{}</id><username>${{env.{}}}</username><password>${{env.{}}}</password></server></servers></settings>",
        escaped(id),
        escaped(user),
        escaped(password)
    );
    let folder = inputs.get("settings-path").map_or_else(|| "\"$HOME/.m2\"".to_owned(), quoted);
    format!("m={folder}; mkdir -p \"$m\"; printf '%s\\n' {} > \"$m/settings.xml\"\n", quoted(&text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
