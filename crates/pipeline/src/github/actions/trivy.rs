//! `aquasecurity/trivy-action`: Trivy of the machine or the image, with its settings as variables, as the action has it.

use super::act::{Act, Doing, Done, Inputs, Once, quoted};
use super::table::{BuiltIn, Known, Refusal};
use crate::reader::shown;

pub(super) const KNOWN: Known = Known {
    name: "aquasecurity/trivy-action",
    built_in: BuiltIn::Trivy,
    majors: &[0],
    branches: &["master", "main"],
    inputs: &[
        "scan-type",
        "image-ref",
        "input",
        "scan-ref",
        "exit-code",
        "ignore-unfixed",
        "vuln-type",
        "severity",
        "format",
        "template",
        "output",
        "skip-dirs",
        "skip-files",
        "cache-dir",
        "timeout",
        "ignore-policy",
        "hide-progress",
        "list-all-pkgs",
        "scanners",
        "trivyignores",
        "artifact-type",
        "github-pat",
        "trivy-config",
        "tf-vars",
        "limit-severities-for-sarif",
        "docker-host",
        "version",
        "cache",
        "skip-setup-trivy",
        "token-setup-trivy",
    ],
    check,
    begin: |inputs, _, _| Ok(begin(&inputs)),
};

/// Inputs and the variables of Trivy that say the same.
const VARIABLES: &[(&str, &str)] = &[
    ("input", "TRIVY_INPUT"),
    ("exit-code", "TRIVY_EXIT_CODE"),
    ("ignore-unfixed", "TRIVY_IGNORE_UNFIXED"),
    ("vuln-type", "TRIVY_PKG_TYPES"),
    ("severity", "TRIVY_SEVERITY"),
    ("format", "TRIVY_FORMAT"),
    ("template", "TRIVY_TEMPLATE"),
    ("output", "TRIVY_OUTPUT"),
    ("skip-dirs", "TRIVY_SKIP_DIRS"),
    ("skip-files", "TRIVY_SKIP_FILES"),
    ("cache-dir", "TRIVY_CACHE_DIR"),
    ("timeout", "TRIVY_TIMEOUT"),
    ("ignore-policy", "TRIVY_IGNORE_POLICY"),
    ("list-all-pkgs", "TRIVY_LIST_ALL_PKGS"),
    ("scanners", "TRIVY_SCANNERS"),
    ("trivy-config", "TRIVY_CONFIG"),
    ("tf-vars", "TRIVY_TF_VARS"),
];

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    if let Some(other) = inputs
        .get("scan-type")
        .filter(|kind| !["image", "fs", "filesystem", "repo", "repository", "config", "rootfs", "sbom"].contains(kind))
    {
        return Err(Refusal::input(
            "scan-type",
            format!("`{}` is not known", shown(other)),
            "write image, fs, repo, config, rootfs or sbom",
        ));
    }
    Ok(())
}

fn begin(inputs: &Inputs) -> Box<dyn Act> {
    let kind = inputs.or("scan-type", "image");
    let target = match inputs.get("image-ref") {
        Some(image) if kind == "image" => image.to_owned(),
        _ if inputs.get("input").is_some() => String::new(),
        _ => inputs.or("scan-ref", ".").to_owned(),
    };
    let mut script = String::from(
        "if ! command -v trivy > /dev/null; then echo '##[error]trivy is not here, and nothing is downloaded: put it on the machine, or use `penstock check trivy-config` and `trivy-secret`'; exit 1; fi\n",
    );
    let ignores: Vec<&str> =
        inputs.get("trivyignores").into_iter().flat_map(|list| list.split(',')).map(str::trim).filter(|path| !path.is_empty()).collect();
    if !ignores.is_empty() {
        let files: Vec<String> = ignores.iter().map(|path| quoted(path)).collect();
        script.push_str(&format!(
            "cat -- {} > \"$RUNNER_TEMP/.trivyignore\" && export TRIVY_IGNOREFILE=\"$RUNNER_TEMP/.trivyignore\"\n",
            files.join(" ")
        ));
    }
    let target = if target.is_empty() { String::new() } else { format!(" {}", quoted(&target)) };
    script.push_str(&format!("trivy {kind}{target}\n"));
    let mut doing = Doing::script(script);
    for (input, variable) in VARIABLES {
        if let Some(value) = inputs.get(input) {
            doing.env.insert((*variable).to_owned(), value.to_owned());
        }
    }
    if inputs.or("format", "table") == "sarif" && inputs.or("limit-severities-for-sarif", "false") != "true" {
        // as the action does: SARIF has everything
        doing.env.remove("TRIVY_SEVERITY");
    }
    if inputs.or("hide-progress", "false") == "true" {
        doing.env.insert("TRIVY_NO_PROGRESS".to_owned(), "true".to_owned());
    }
    Once::boxed(doing, |_| Done::default())
}
