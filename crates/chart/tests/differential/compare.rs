//! The same case on both sides, and what is left of it when everything that does not matter is taken away.

use std::{
    borrow::Cow,
    cell::Cell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde_json::Value as Json;

use super::oracle::{Oracle, Outcome};

/// Something that Helm and ours can be asked.
pub trait Case: Clone {
    /// The question to the oracle, and where its answer stands.
    fn question(&self) -> (Json, &'static str);
    /// What ours makes of it.
    fn ours(&self) -> Outcome;
    /// The case with a piece less, in every way.
    fn smaller(&self) -> Vec<Self>;
    /// It for people, and as what is counted when it shall get smaller.
    fn shown(&self) -> String;
    /// Helm's answer without what no two runs of it share.
    fn comparable(&self, helm: Outcome) -> Outcome {
        helm
    }
    /// Whether two refusals say the same, though Go met one of several faults first, in no order.
    fn any_will_do(&self, _ours: &[u8], _helm: &[u8]) -> bool {
        false
    }
    /// Which functions it calls.
    fn functions(&self) -> Vec<&'static str>;
}

/// What comparing came to.
#[derive(Debug)]
pub enum Verdict {
    /// Both made the same.
    Made,
    /// Both refused with the same text.
    Refused,
    /// There was nothing to compare.
    Nothing(String),
    /// They differ: ours, Helm's.
    Differs(Outcome, Outcome),
}

/// How often Helm is asked again where it differs, before it is believed.
const ASKED_AGAIN: usize = 12;
/// How often while a case is made smaller, where a wrong step costs little.
const ASKED_IN_PASSING: usize = 2;
/// How often before a difference is told: where one of many entries of a Go map decides, its usual answer comes a dozen times in a row.
const ASKED_TO_CONFIRM: usize = 250;

/// Asks both.
pub fn compare<C: Case>(case: &C, oracle: &mut Oracle) -> Verdict {
    asked(case, oracle, ASKED_AGAIN)
}

/// Asks both, and Helm so often that a difference is one; then Helm where its data lies elsewhere, whose answer is another one when it holds an
/// address, even through a digest.
pub fn confirm<C: Case>(case: &C, oracle: &mut Oracle) -> Verdict {
    let mut settled = compare(case, oracle);
    if matches!(settled, Verdict::Differs(..)) {
        settled = asked(case, oracle, ASKED_TO_CONFIRM);
    }
    if let Verdict::Differs(_, helm) = &settled
        && let Some(mut elsewhere) = Oracle::elsewhere()
    {
        let (question, field) = case.question();
        if case.comparable(elsewhere.outcome(&question, field)) != *helm {
            return Verdict::Nothing("an address".to_owned());
        }
    }
    settled
}

fn asked<C: Case>(case: &C, oracle: &mut Oracle, again: usize) -> Verdict {
    let (question, field) = case.question();
    let mut helm = || case.comparable(oracle.outcome(&question, field));
    let first = helm();
    if let Outcome::None(why) = first {
        return Verdict::Nothing(why);
    }
    let ours = ours(case);
    let mut settled = held(case, &ours, first.clone());
    if !matches!(settled, Verdict::Differs(..)) {
        return settled;
    }
    // Go goes through maps in no order: Helm is asked again whether it is of one mind, and whether it ever says what ours does
    for _ in 0..again {
        let other = helm();
        if other == first {
            continue;
        }
        match held(case, &ours, other) {
            Verdict::Differs(..) => settled = Verdict::Nothing("Helm says this or that".to_owned()),
            same => return same,
        }
    }
    settled
}

fn held<C: Case>(case: &C, ours: &Outcome, helm: Outcome) -> Verdict {
    match (ours, &helm) {
        (Outcome::Refused(ours), Outcome::Refused(helm)) if case.any_will_do(ours, helm) => Verdict::Refused,
        _ => verdict(ours.clone(), helm),
    }
}

fn verdict(ours: Outcome, helm: Outcome) -> Verdict {
    match (ours, helm) {
        (Outcome::None(why), _) if !why.starts_with("panicked") => Verdict::Nothing(why),
        (Outcome::Refused(ours), helm) if is_absent(&ours) && !matches!(&helm, Outcome::Refused(helm) if is_absent(helm)) => {
            Verdict::Nothing("a function that is not there yet".to_owned())
        }
        (_, Outcome::Made(text) | Outcome::Refused(text)) if has_address(&text) => Verdict::Nothing("an address".to_owned()),
        (Outcome::Made(ours), Outcome::Made(helm)) if zoned(&ours) == zoned(&helm) => Verdict::Made,
        (Outcome::Refused(ours), Outcome::Refused(helm))
            if String::from_utf8_lossy(settled(&ours)) == String::from_utf8_lossy(settled(&helm)) =>
        {
            Verdict::Refused
        }
        // faults of values are told in the order of a Go map
        (Outcome::Refused(ours), Outcome::Refused(helm)) if lines(&ours) == lines(&helm) => Verdict::Refused,
        (ours, helm) => Verdict::Differs(ours, helm),
    }
}

fn lines(refusal: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = refusal.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

fn is_absent(refusal: &[u8]) -> bool {
    let text = String::from_utf8_lossy(refusal);
    text.contains("function \"") && text.contains("\" not defined")
}

/// Go's syntax for a time says `time.Local` of the machine's zone even where that is UTC.
fn zoned(text: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(text) {
        Ok(text) if text.contains("time.Local)") => Cow::Owned(text.replace("time.Local)", "time.UTC)").into_bytes()),
        Ok(text) if text.contains("time.Time={") => Cow::Owned(without_addresses(text).into_bytes()),
        _ => Cow::Borrowed(text),
    }
}

/// A time's insides point to its zone, which lies in Go's program: the rest is compared.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all.push_str("0x");
        all.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()));
    }
    all
}

/// Whether Go printed where something lies in memory: no two renders share it.
fn has_address(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.match_indices("0x").any(|(at, _)| text[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count() >= 9)
}

/// A refusal up to where Go shows a map in no order, or the first of many entries that it met in none.
fn settled(refusal: &[u8]) -> &[u8] {
    [&b"unsupported map key of type"[..], b"invalid map key: map["]
        .into_iter()
        .filter_map(|marker| refusal.windows(marker.len()).position(|at| at == marker))
        .min()
        .map_or(refusal, |end| &refusal[..end])
}

/// What ours makes of it, a panic told as such.
fn ours<C: Case>(case: &C) -> Outcome {
    ASKED.set(true);
    let outcome = caught(case);
    ASKED.set(false);
    outcome
}

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Lets panics of ours pass in silence: they are told as differences.
pub fn hush() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !ASKED.get() {
            loud(panic);
        }
    }));
}

fn caught<C: Case>(case: &C) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| case.ours())).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Outcome::None(format!("panicked: {}", said.unwrap_or_default()))
    })
}

/// How often a smaller case is tried before what is left must do.
const TRIES: usize = 1_500;

/// The smallest case found that still differs in the same way.
pub fn minimise<C: Case>(case: C, oracle: &mut Oracle) -> C {
    let Verdict::Differs(ours, helm) = compare(&case, oracle) else { return case };
    let way = (sort(&ours), sort(&helm));
    let (mut least, mut tries) = (case, TRIES);
    'smaller: loop {
        let size = least.shown().len();
        for candidate in least.smaller() {
            if candidate.shown().len() >= size {
                continue;
            }
            tries = tries.saturating_sub(1);
            if tries == 0 {
                return least;
            }
            if matches!(asked(&candidate, oracle, ASKED_IN_PASSING), Verdict::Differs(ours, helm) if (sort(&ours), sort(&helm)) == way) {
                least = candidate;
                continue 'smaller;
            }
        }
        return least;
    }
}

fn sort(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Made(_) => 0,
        Outcome::Refused(_) => 1,
        Outcome::None(_) => 2,
    }
}

/// What many cases came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cases that both made.
    pub made: u64,
    /// Cases that both refused.
    pub refused: u64,
    /// Cases without an answer, by the reason.
    pub nothing: BTreeMap<String, u64>,
    /// Cases that differ.
    pub differ: u64,
    /// For each function how many cases that both made call it.
    pub functions: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a case.
    pub fn count<C: Case>(&mut self, case: &C, verdict: &Verdict) {
        match verdict {
            Verdict::Made => {
                self.made += 1;
                for name in case.functions() {
                    *self.functions.entry(name).or_default() += 1;
                }
            }
            Verdict::Refused => self.refused += 1,
            Verdict::Nothing(why) => *self.nothing.entry(why.chars().take(60).collect()).or_default() += 1,
            Verdict::Differs(..) => self.differ += 1,
        }
    }

    /// All cases.
    pub fn cases(&self) -> u64 {
        self.made + self.refused + self.differ + self.nothing.values().sum::<u64>()
    }

    /// How many of a hundred both made.
    pub fn share_made(&self) -> u64 {
        self.made * 100 / self.cases().max(1)
    }
}

/// A difference for people: the case, then both answers.
pub fn told<C: Case>(case: &C, verdict: &Verdict) -> String {
    let Verdict::Differs(ours, helm) = verdict else { return String::new() };
    format!("{}\n--- ours: {}\n--- helm: {}\n", case.shown(), shown(ours), shown(helm))
}

fn shown(outcome: &Outcome) -> String {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map_or_else(|_| format!("bytes {bytes:?}"), |text| format!("{text:?}"));
    match outcome {
        Outcome::Made(bytes) => format!("made {}", text(bytes)),
        Outcome::Refused(bytes) => format!("refused {}", text(bytes)),
        Outcome::None(why) => why.clone(),
    }
}

/// What tells one kind of difference from another: both answers without their names and numbers.
pub fn kind_of(verdict: &Verdict) -> String {
    let Verdict::Differs(ours, helm) = verdict else { return String::new() };
    let bare = |outcome: &Outcome| {
        let text = match outcome {
            Outcome::Made(_) => return "made".to_owned(),
            Outcome::Refused(text) => String::from_utf8_lossy(text).into_owned(),
            Outcome::None(why) => why.clone(),
        };
        let last: Vec<&str> = text.rsplit(": ").take(2).collect();
        last.concat().chars().filter(|letter| letter.is_ascii_alphabetic() || *letter == ' ').take(60).collect()
    };
    format!("{} {}", bare(ours), bare(helm))
}
