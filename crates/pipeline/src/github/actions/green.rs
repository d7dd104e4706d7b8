//! `re-actors/alls-green`: whether the jobs of `needs` did as they should.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::act::{Act, Doing, Done, Inputs, Once, quoted};
use super::facts::Facts;
use super::table::{BuiltIn, Known, anything};

pub(super) const KNOWN: Known = Known {
    name: "re-actors/alls-green",
    built_in: BuiltIn::AllsGreen,
    majors: &[1],
    branches: &["release/v1", "unstable/v1"],
    inputs: &["jobs", "allowed-failures", "allowed-skips"],
    check: anything,
    begin,
};

fn begin(inputs: Inputs, _: &Facts, _: &BTreeMap<String, String>) -> Result<Box<dyn Act>, String> {
    let verdict = verdict(&inputs)?;
    let script = format!("printf '%s\\n' {} | tee -a \"$GITHUB_STEP_SUMMARY\"\n", quoted(&verdict.lines.join("\n")));
    Ok(Once::boxed(Doing::script(script), move |_| {
        let (result, green) = (if verdict.green { "success" } else { "failure" }, verdict.green);
        let mut done = Done::well([("success", green.to_string()), ("failure", (!green).to_string()), ("result", result.to_owned())]);
        done.failed = (!green).then(|| "some of the jobs that had to succeed did not".to_owned());
        done
    }))
}

struct Verdict {
    green: bool,
    lines: Vec<String>,
}

/// Names as JSON or with commas between.
fn names(inputs: &Inputs, name: &str) -> Vec<String> {
    let text = inputs.or(name, "[]");
    let parsed = serde_json::from_str::<Vec<String>>(text);
    parsed
        .unwrap_or_else(|_| text.split(',').map(|name| name.trim().to_owned()).collect())
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect()
}

fn verdict(inputs: &Inputs) -> Result<Verdict, String> {
    let read: Json = serde_json::from_str(inputs.needed("jobs")?).map_err(|why| format!("the input `jobs` is not JSON: {why}"))?;
    let Some(jobs) = read.as_object().filter(|jobs| !jobs.is_empty()) else {
        return Err("the input `jobs` names no job\nhelp: write `${{ toJSON(needs) }}`".to_owned());
    };
    let (failures, skips) = (names(inputs, "allowed-failures"), names(inputs, "allowed-skips"));
    let mut green = true;
    let mut lines = Vec::new();
    for (name, job) in jobs {
        let result = job.get("result").and_then(Json::as_str).unwrap_or("nothing");
        let (may_fail, may_skip) = (failures.contains(name), skips.contains(name));
        // one that may be skipped must not fail, whatever else it may
        let fine = if may_skip { ["success", "skipped"].contains(&result) } else { may_fail || result == "success" };
        green &= fine;
        let wanted = if may_fail {
            "may fail"
        } else if may_skip {
            "must succeed or be skipped"
        } else {
            "must succeed"
        };
        lines.push(format!("- {name}: {result} ({wanted})"));
    }
    lines.insert(0, if green { "# All jobs that had to succeed did" } else { "# Some of the jobs that had to succeed did not" }.to_owned());
    Ok(Verdict { green, lines })
}
