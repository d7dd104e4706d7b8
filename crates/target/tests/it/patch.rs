//! Patches beside those of Kubernetes' own Go packages: random objects of every built-in kind, and of none.
//!
//! `PENSTOCK_PATCH_CASES` and `PENSTOCK_PATCH_SEED` ask for more than the usual few thousand.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use penstock_model::cluster::{CustomMerge, Patch};
use penstock_target::kubernetes::patch::three_way;
use serde_json::{Value, json};

use crate::chance::{Chance, Objects};
use crate::cluster::built;

struct Oracle {
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let mut child =
            Command::new(built("patch-oracle")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
        let (asked, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, asked, answers }
    }

    /// The patch, or why there is none.
    fn ask(&mut self, how: &str, case: &Case) -> Result<Value, String> {
        let question = json!({
            "how": how, "version": case.modified["apiVersion"], "kind": case.modified["kind"],
            "original": case.original, "modified": case.modified, "current": case.current,
        });
        writeln!(self.asked, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap().to_owned()),
            None => Ok(answer["patch"].take()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Case {
    original: Value,
    modified: Value,
    current: Value,
}

fn ours(case: &Case, custom: CustomMerge) -> Result<Value, String> {
    Ok(match three_way(&case.original, &case.modified, &case.current, custom)? {
        Some(Patch::Strategic(patch) | Patch::Merge(patch)) => patch,
        None => json!({}),
    })
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// How many patches were equal, and refusals alike and of another wording.
#[derive(Debug, Default)]
struct Tally {
    equal: u32,
    empty: u32,
    refused: u32,
    worded: u32,
}

fn compare(oracle: &mut Oracle, case: &Case, how: &str, custom: CustomMerge, tally: &mut Tally) {
    let shown = || format!("{how}\noriginal {}\nmodified {}\ncurrent {}", case.original, case.modified, case.current);
    match (ours(case, custom), oracle.ask(how, case)) {
        (Ok(mine), Ok(theirs)) if mine == theirs => {
            tally.equal += 1;
            tally.empty += u32::from(mine == json!({}));
        }
        (Err(mine), Err(theirs)) => {
            tally.refused += 1;
            // of several faults Go tells whichever its map gives first
            tally.worded += u32::from(mine != theirs);
        }
        (mine, theirs) => panic!("{}\nours   {mine:?}\ntheirs {theirs:?}", shown()),
    }
}

#[test]
fn patches_of_random_objects_are_kubernetes_own() {
    let (cases, seed) = (number("PENSTOCK_PATCH_CASES", 2_000), number("PENSTOCK_PATCH_SEED", 1));
    let mut oracle = Oracle::start();
    let objects = Objects::read(include_str!("../../src/kubernetes/patch/schema.txt"));
    let (mut strategic, mut merge) = (Tally::default(), Tally::default());
    let mut untyped = 0;
    for at in 0..cases {
        let mut chance = Chance::new(seed.wrapping_mul(1_000_003).wrapping_add(at));
        let (version, kind) = objects.kind(&mut chance);
        let original = objects.object(&mut chance, &version, &kind);
        let modified = objects.changed(&mut chance, &original, &version, &kind);
        let current = objects.changed(&mut chance, &original, &version, &kind);
        let mut case = Case { original, modified, current };
        // an object that is not of its kind's type gets another kind of patch, there as here
        let typed = version != "apiextensions.k8s.io/v1beta1" && oracle.ask("fits", &case).is_ok();
        untyped += u64::from(!typed);
        compare(
            &mut oracle,
            &case,
            if typed { "strategic" } else { "merge2" },
            CustomMerge::TwoWay,
            if typed { &mut strategic } else { &mut merge },
        );
        for object in [&mut case.original, &mut case.modified, &mut case.current] {
            object["apiVersion"] = json!("example.com/v1");
        }
        compare(&mut oracle, &case, "merge2", CustomMerge::TwoWay, &mut merge);
        compare(&mut oracle, &case, "merge3", CustomMerge::ThreeWay, &mut merge);
    }
    println!("strategic {strategic:?}, merge {merge:?}, not of their kinds' types {untyped}");
    assert!(u64::from(strategic.equal - strategic.empty) > cases / 2 && untyped > cases / 20, "{strategic:?}");
}
