//! The linter that `golangci/golangci-lint-action` runs.

use super::super::act::{Act, Inputs, quoted};
use super::{Setup, Tool, Wish, first_line, folder, of_tool_versions};

const TOOL: Tool = Tool {
    title: "golangci-lint",
    image: "golangci/golangci-lint",
    programs: &["golangci-lint"],
    elsewhere: &["/opt/golangci-lint*/golangci-lint", "/opt/golangci-lint*/bin/golangci-lint"],
    version: "\"$1\" version 2>/dev/null | sed -n 's/.*has version v\\{0,1\\}\\([0-9][^ ]*\\).*/\\1/p' | head -n 1",
    of_file: |name, text| match name {
        ".tool-versions" => of_tool_versions(text, &["golangci-lint"]),
        _ => first_line(text),
    },
    range: |wish| match wish {
        "latest" => Some(Wish::Highest(|_| true)),
        _ => Wish::of_range(wish),
    },
    apply: |found| format!("echo {0} >> \"$GITHUB_PATH\"\n", quoted(folder(&found.path))),
};

/// Finds it.
pub(in super::super) fn golangci(inputs: &Inputs, place: &str) -> Box<dyn Act> {
    let none = inputs.get("install-mode") == Some("none");
    let wishes: Vec<String> = inputs.get("version").filter(|_| !none).map(str::to_owned).into_iter().collect();
    let file = inputs.get("version-file").filter(|_| wishes.is_empty() && !none);
    let file = file.map(|file| if place == "." { file.to_owned() } else { format!("{place}/{file}") });
    let mut setup = Setup::new(&TOOL, wishes, file.as_deref(), "penstock.version");
    setup.otherwise = (!none).then_some("latest");
    // it would ask golangci-lint.run for what to verify by
    if inputs.flag("verify", true) == Ok(true) {
        setup.notes.push("the linter's configuration is not verified: that needs the Internet".to_owned());
    }
    Box::new(setup)
}
