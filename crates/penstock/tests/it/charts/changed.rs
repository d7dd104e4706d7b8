//! What is changed between a chart and what comes of it: by a program of the user's, by a name that is made up.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{Said, chart, folder, helm};
use crate::house::directory;

const PLAIN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: FOOTEST}\n";
const HOOK: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  annotations: {helm.sh/hook: pre-install}\ndata: {text: FOOTEST}\n";
const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: footests.example.org} # FOOTEST\n";

#[test]
fn a_program_changes_what_was_rendered_as_it_does_for_helm() {
    let dir = directory();
    let web = folder(
        dir.path(),
        "web",
        &[("templates/a.yaml", PLAIN), ("templates/b.yaml", HOOK), ("crds/c.yaml", CRD), ("templates/NOTES.txt", "FOOTEST")],
    );
    let program = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let change = program("change", "#!/bin/sh\nexec sed \"s/FOOTEST/${*:-BARTEST}/g\"\n");
    let fail = program("fail", "#!/bin/sh\necho first\necho this is wrong >&2\nexit 3\n");
    let nothing = program("nothing", "neither a script nor a program\n");
    let reorder = program("reorder", "#!/bin/sh\ncat >/dev/null\nprintf 'kind: B\\n---\\nkind: A\\n'\n");
    for flags in [
        &["--post-renderer", &change][..],
        &["--post-renderer", &change, "--post-renderer-args", "--", "--post-renderer-args", "two"],
        &["--post-renderer-args", "before", "--post-renderer", &change],
        &["--post-renderer", &change, "--include-crds", "--no-hooks"],
        &["--post-renderer", &change, "--show-only", "templates/a.yaml"],
        &["--post-renderer", &change, "--show-only", "templates/none.yaml"],
        &["--post-renderer", &reorder],
        &["--post-renderer", "true"],
        &["--post-renderer", "cat", "--post-renderer-args", "-n"],
        &["--post-renderer", ""],
        &["--post-renderer", &fail],
        &["--post-renderer", &nothing],
        &["--post-renderer", "no-such-program"],
        &["--post-renderer", dir.path().to_str().unwrap()],
        &["--post-renderer", "/etc/passwd"],
    ] {
        let mut arguments = vec!["template", "rel", web.to_str().unwrap()];
        arguments.extend(flags);
        let (ours, theirs) = (chart(&arguments), helm(&arguments));
        assert_eq!(ours.out, theirs.out, "{flags:?}");
        assert_eq!(ours.code == Some(0), theirs.code == Some(0), "{flags:?}: {} {}", ours.err, theirs.err);
        let why = theirs.err.trim_start_matches("Error: ").split("\n\nUse --debug").next().unwrap();
        let why = why.rsplit("flag: ").next().unwrap().trim();
        assert!(ours.err.contains(why), "{flags:?}: {} is not in {}", why, ours.err);
    }
}

#[test]
fn the_program_is_given_everything_but_the_token_of_the_server() {
    let dir = directory();
    let web = folder(dir.path(), "web", &[("templates/a.yaml", PLAIN)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.args(["chart", "template", web.to_str().unwrap(), "--post-renderer", "env"]);
    command.env("PENSTOCK_TOKEN", "not-for-others").env("SOMETHING", "for-everybody");
    let said = Said::of(command.output().unwrap()).fine();
    assert!(said.contains("SOMETHING=for-everybody") && !said.contains("not-for-others"), "{said}");
}

#[test]
fn a_name_is_made_up_as_helm_makes_one_up() {
    let dir = directory();
    let web = folder(dir.path(), "web", &[("templates/a.yaml", "name: {{ .Release.Name }}\n")]);
    let web = web.to_str().unwrap();
    for arguments in [
        &["template", web, "--generate-name"][..],
        &["template", "rel", web, "--generate-name"],
        &["template", "rel", web, "--name-template", "x"],
        &["template", web, "--name-template", "web-{{ \"A\" | lower }}"],
        &["template", web, "--name-template", ""],
        &["template", web, "--name-template", "{{ .x }}"],
        &["template", web, "--name-template", "{{ nothing }}"],
        &["template", web, "--name-template", "{{ fail \"x\" }}"],
        &["install", web],
        &["install", "rel", web, "--generate-name"],
    ] {
        let (ours, theirs) = (chart(arguments), helm(arguments));
        assert_eq!(ours.out, theirs.out, "{arguments:?}");
        let why = theirs.err.trim_start_matches("Error: ").trim_start_matches("INSTALLATION FAILED: ").trim();
        assert!(ours.err.contains(why), "{arguments:?}: {} is not in {}", why, ours.err);
    }
}
