//! Long texts are read in a time that grows as they do: what grows faster would not end here.

use super::limits::outcome;

/// How long they are.
const SIZE: usize = 20_000;

const YAML: &[&str] = &[
    "- ",
    "[",
    "[a,",
    "[a: ",
    "[? ",
    "{",
    "{a,",
    "{a: ",
    "{? ",
    "a: ",
    "? ",
    "? a\n",
    ": ",
    "&a ",
    "&a a\n",
    "- &a a\n",
    "- *a\n",
    "!a ",
    "!!str ",
    "'",
    "''",
    "\"",
    "\\x41",
    "|\n",
    "|1\n ",
    ">\n",
    "# ",
    "#\n",
    "%TAG !a! x\n",
    "%YAML 1.1\n",
    "a: b\n",
    "- a\n",
    "<<: ",
    "<<: {}\n",
    "a\n",
    " \n",
    "\t",
    " ",
    "---\n",
    "...\n",
    "a: [",
    "- - ",
    "é",
    "\u{85}",
    "\u{feff}",
    "0",
    "0x",
    "1_",
    "1:",
    "1e",
    "2001-",
    "- a: b\n  c: d\n",
    "a:\n- b\n",
    ",",
    "]",
    "}",
    "`",
    "@",
];
const JSON: &[&str] = &["[", "[1,", "{", "{\"a\":", "\"", "\\u0041", "\\ud800", "1", "1e", "0.", " ", "t", "é"];
const TOML: &[&str] = &[
    "[a]\n",
    "[[a]]\n",
    "[[a.b]]\n",
    "[a.b]\n[a]\n",
    "a=1\n",
    "a.",
    "a",
    "[",
    "a=[",
    "a=[1,",
    "{a=",
    "a={b=1}\n",
    "a=\"",
    "a=\"\"\"\n",
    "\\u0041",
    "'''",
    "1_",
    "1",
    "#\n",
    " ",
    "\n",
    "é",
    "\"a\".",
];
const EXPRESSIONS: &[&str] = &[
    "a",
    "a|",
    "(",
    "()",
    "(a)",
    "(?:",
    "(?i)",
    "(?P<a>b)",
    "[",
    "[a",
    "[a]",
    "[^a]",
    "[[:alpha:]]",
    "\\d",
    "\\pL",
    "\\Q",
    "\\x{41}",
    "a*",
    "a?",
    "a{2}",
    "^",
    "$",
    ".",
];
const OTHERS: &[&str] = &[
    "1", "1.", "1,", "v", "-", "+", "a", ">1 ", "1 - 2 ", "||", "^1,", "x", "/", "//", ":", "@", "?", "&", "%41", "#", "[", "::", "1h",
    "1.5h", "2006", "Jan", " ", "A-", "aB1",
];

fn read_by(calls: &[&str], pieces: &[&str]) {
    read_of(SIZE, calls, pieces);
}

fn read_of(size: usize, calls: &[&str], pieces: &[&str]) {
    for call in calls {
        for piece in pieces {
            let text = format!("repeat {} {}", size / piece.len(), crate::format::quoted(piece.as_bytes()));
            // whether it is anything does not matter
            outcome(&format!("{{{{ $it := {text} }}}}{{{{ $x := {call} }}}}"));
        }
    }
}

#[test]
fn long_documents_are_read_in_time() {
    read_by(&["fromYaml $it", "fromYaml (printf \"a: &a %s\" $it)", "fromYaml (printf \"{%s\" $it)"], YAML);
    read_by(&["fromJson $it"], JSON);
    read_by(&["fromToml $it"], TOML);
}

#[test]
fn long_texts_are_written_in_time() {
    read_by(&["toYaml $it", "toYamlPretty (dict $it $it)", "toToml (dict \"a\" $it)", "toJson $it"], YAML);
}

#[test]
fn long_words_are_read_in_time() {
    // compiled by the `regex` crate, which takes its time for each group
    read_of(SIZE / 8, &["mustRegexMatch $it \"a\""], EXPRESSIONS);
    read_by(
        &[
            "semver $it",
            "semverCompare $it \"1.0.0\"",
            "urlParse $it",
            "date $it now",
            "toDate $it $it",
            "dateModify $it now",
            "duration $it",
            "snakecase $it",
            "camelcase $it",
            "untitle $it",
            "wrap 10 $it",
            "float64 $it",
            "clean $it",
            "printf $it 1",
            "replace \"a\" \"\" $it",
            "genPrivateKey $it",
            "tpl (printf \"{{%s\" $it) .",
        ],
        OTHERS,
    );
}
