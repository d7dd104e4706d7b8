//! Literals, by the kind of what is wanted: the odd ones that tell two implementations apart.

use super::{random::Random, signatures::Kind};

const TEXTS: &[&str] = &[
    "",
    "a",
    "hello world",
    "Grüße, 世界",
    "CamelCase_and-kebab case",
    "  padded\t",
    "a,b,,c",
    "1",
    "-1.5",
    "true",
    "line1\nline2\n",
    "\n\n  x",
    "quo\"te's",
    "100%d %s",
    "\u{0}\u{7f}",
    "{{ .a }}",
    "yes",
    "null",
    "0x1f",
    "1e3",
    "2020-01-02",
    "a: b",
    "# c",
    "- x",
    "<a href=\"x\">&</a>",
    "ÄÖ ß ŉ ǅ",
    "foo.bar/baz:1.2.3",
    "~",
    "0o17",
    "1_000",
    ".5",
    "=",
    "key=value",
    "😀 e\u{301}",
    "\u{2028}\u{feff}",
    "a\\b\\n",
    "${HOME}",
    "$1",
    "The quick brown fox jumps over the lazy dog",
    "HTTPServer2Go",
    "http://a.b",
    "\r\n",
    "a b  c",
    "xxabcxx",
    "!tag",
    "&anchor",
    "[1]",
    "{}",
    "0123",
];
const KEYS: &[&str] = &["a", "b", "c", "name", "nested", "list", "missing", "", "x.y", "1"];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "7",
    "10",
    "100",
    "0x1F",
    "0b101",
    "0o17",
    "017",
    "1_000",
    "'a'",
    "1.5",
    "-0.5",
    "1e6",
    "1e21",
    "0.1",
    "2.0",
    "1e-7",
    "0x1p-2",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967296",
    "1000000",
    "123456789.125",
    "3.0e0",
    "1e3",
];
const REGEXES: &[&str] = &[
    "a",
    "[a-z]+",
    "^\\s*",
    "(?i)HELLO",
    "(\\w)(\\d*)",
    ".*",
    "",
    "x*",
    "[^a-z]",
    "a|b|",
    "(?P<first>\\w+)\\s(?P<second>\\w+)",
    "\\bw",
    "\\p{L}+",
    "(?s)e.l",
    "[[:alpha:]]+",
    "^.{2,4}$",
    "\\d{2,}",
    "(a+)(b+)?",
    "(?m)^l",
    "\\x41",
    ".",
    "[äö]",
    "o(?:r|x)",
    "\\Qa.b\\E",
    "x**",
    "a(b",
    "[z-a]",
    "(?<n>a)",
    "\\pN",
    "(?U)a+",
    "\\C",
    "a{1001}",
    "(?=a)",
    "\\z",
    "é",
    "[^\\d\\s]+",
];
const REPLACEMENTS: &[&str] = &["", "x", "$1", "${1}y", "$0$0", "$first", "${second} ${first}", "$1y", "$$", "$", "${", "\\1", "[$2]"];
const LAYOUTS: &[&str] = &[
    "2006-01-02",
    "2006-01-02T15:04:05Z07:00",
    "Mon Jan _2 15:04:05 2006",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06",
    "3:04PM",
    "15:04:05.000",
    "15:04:05.999999",
    "20060102",
    "Jan 2 '06 at 3:04pm (MST)",
    "002",
    "-0700 Z0700 -07",
    "",
    "__2 x",
];
const DATES: &[&str] = &[
    "2021-03-04",
    "2021-03-04T05:06:07Z",
    "2021-03-04T05:06:07+02:00",
    "20210304",
    "2020-02-29",
    "2021-02-30",
    "1969-12-31",
    "nonsense",
    "",
];
const DURATIONS: &[&str] = &["1h", "-1.5h", "30m", "+1h30m", "24h", "1s", "x", "", "1ms", "8760h"];
const ZONES: &[&str] = &["UTC", "", "Local", "Europe/Berlin", "America/New_York", "Nowhere/Land", "Asia/Kathmandu"];
const VERSIONS: &[&str] = &[
    "1.2.3",
    "v1.2.3",
    "1.2",
    "1",
    "1.2.3-alpha.1",
    "1.2.3+build",
    "v1.33.0",
    "1.27.3-gke.100",
    "01.2.3",
    "x",
    "",
    "1.2.3.4",
    "2.0.0-rc.1+b.2",
];
const CONSTRAINTS: &[&str] = &[
    "1.2.3",
    ">=1.2.0",
    ">=1.19-0",
    "^1.2",
    "~1.2",
    "1.x",
    "*",
    ">1.0 <2.0",
    "1.2 - 1.4",
    "<1 || >=2",
    "!=1.2.3",
    "=>1",
    "nope",
    "",
    ">=1.2.3-alpha",
    "~>1",
];
const URLS: &[&str] = &[
    "http://user:pw@host:8080/path?q=1#frag",
    "https://a.b",
    "mailto:x@y.z",
    "/just/path",
    "//host/p",
    "a b",
    "http://[::1]:80/",
    "http://%zz",
    "",
    "ftp://h/%41?x=%20",
];
const PATHS: &[&str] = &["/a/b/c.txt", "a/../b", "./x", "", "/", "a//b/", "../..", "c.tar.gz", ".hidden", "dir/.x.y", "/.."];
const YAMLS: &[&str] = &[
    "a: 1",
    "a: [1, 2.5, x]",
    "- 1\n- b: c",
    "x",
    "",
    "a: &r {b: 1}\nc: *r",
    "a: |\n  text\n  more\nb: >-\n  folded\n  text",
    "a: b: c",
    "a: 0x1F\nb: 1e3\nc: 0o17\nd: 1_000\ne: .inf",
    "yes: no\non: off",
    "a: 2020-01-01",
    "? x\n: y",
    "a: !!str 1\nb: !!binary aGk=",
    "{a: null, b: ~, c: }",
    "\"q\": 'it''s'",
    "a: 1\na: 2",
    "1: one\n2.5: two\ntrue: three",
    "\tx: 1",
    "<<: {a: 1}\nb: 2",
    "a: 12345678901234567890",
    "[",
    "a: \"\\u00e4\\x41\"",
    "--- \na: 1\n---\nb: 2",
    "# only a comment",
];
const JSONS: &[&str] = &[
    "{\"a\":1,\"b\":[true,null,\"x\"]}",
    "[1,2.5,\"c\"]",
    "\"text\"",
    "null",
    "1e400",
    "12345678901234567890",
    "{",
    "{\"a\":{\"b\":{}}}",
    "[]",
    " 1 ",
    "{\"a\":1,\"a\":2}",
    "\"\\ud83d\\ude00\\u00e9\"",
    "nul",
    "[1,]",
    "{\"<\":\"&\"}",
    "",
];
const TOMLS: &[&str] = &[
    "a = 1",
    "[s]\nb = \"x\"\nc = [1, 2]",
    "d = 1979-05-27T07:32:00Z",
    "a = 1.5\nb = true",
    "[[t]]\nx = 1\n[[t]]\nx = 2",
    "a =",
    "",
    "a = 'lit'\n\"q k\" = \"\"\"\nm\n\"\"\"",
    "a.b.c = 1",
    "a = 1\na = 2",
    "x = 0x1F\ny = inf",
    "i = {a = 1, b = [{}]}",
];
const BASE64S: &[&str] = &["aGVsbG8=", "aGk", "", "////", "!!", "w7w=", "AAEC"];
const BASE32S: &[&str] = &["NBSWY3DP", "ME======", "", "x", "NB"];
const KINDS: &[&str] = &["string", "float64", "int", "int64", "map", "slice", "bool", "invalid", "struct", "ptr"];
const TYPES: &[&str] =
    &["string", "float64", "int", "[]interface {}", "map[string]interface {}", "*semver.Version", "semver.Version", "int64", "time.Time"];
const NUMBER_TEXTS: &[&str] = &["12", "0777", "-3", "x", "", "0x1f", "99999999999999999999", "1.5", "08", "+7", " 1", "644"];
const PASSWORDS: &[&str] = &["long", "maximum", "medium", "short", "basic", "pin", "nope"];

/// A literal of a kind; none where the kind has none.
pub fn literal(random: &mut Random, kind: Kind) -> Option<String> {
    let Some(texts) = pool(kind) else { return plain(random, kind) };
    let text = *random.pick(texts);
    Some(quoted(random, text))
}

/// The texts of a kind of text.
pub fn pool(kind: Kind) -> Option<&'static [&'static str]> {
    Some(match kind {
        "text" | "any" => TEXTS,
        "key" => KEYS,
        "regex" => REGEXES,
        "replacement" => REPLACEMENTS,
        "layout" => LAYOUTS,
        "datetext" => DATES,
        "duration" => DURATIONS,
        "zone" => ZONES,
        "version" => VERSIONS,
        "goodversion" => &["1.2.3", "v1.33.0", "1.2", "2.0.0-rc.1+b.2", "0.0.1-alpha"],
        "constraint" => CONSTRAINTS,
        "url" => URLS,
        "path" => PATHS,
        "yaml" => YAMLS,
        "json" => JSONS,
        "toml" => TOMLS,
        "b64" => BASE64S,
        "b32" => BASE32S,
        "kindname" => KINDS,
        "typename" => TYPES,
        "numtext" => NUMBER_TEXTS,
        "passwordkind" => PASSWORDS,
        "plain" => &["k", "user", "secret"],
        "durationlike" => &["2h45m10s", "1ms", "36h", "x", "8784h", "740h1m"],
        _ => return None,
    })
}

fn plain(random: &mut Random, kind: Kind) -> Option<String> {
    Some(match kind {
        "num" => (*random.pick(NUMBERS)).to_owned(),
        "int" => (*random.pick(&["0", "1", "-1", "42", "0x10", "'x'", "1000000"])).to_owned(),
        "float" => (*random.pick(&["0.0", "1.5", "-2.25", "1e6", "1e21", "0.1", "1e-7", "3.0", "2.675"])).to_owned(),
        "int64" => format!("(int64 {})", random.pick(&["0", "5", "-7", "\"12\"", "1e3"])),
        "small" => (*random.pick(&["0", "1", "2", "3", "4", "5", "8", "10", "12", "-1", "-2"])).to_owned(),
        "zero" => (*random.pick(&["0", "0", "1"])).to_owned(),
        "positive" => (*random.pick(&["1", "2", "3", "4", "7"])).to_owned(),
        "bool" => (*random.pick(&["true", "false"])).to_owned(),
        "list" => (*random.pick(&[
            "(list)",
            "(list 1 \"b\" nil 2.5)",
            "(list \"c\" \"a\" \"b\" \"a\")",
            "(list (dict \"a\" 1) (list 1))",
            "(until 3)",
        ]))
        .to_owned(),
        "strings" => (*random.pick(&["(splitList \",\" \"x,y,z\")", "(list \"q\" \"p\" | toStrings)"])).to_owned(),
        "map" => (*random.pick(&["(dict)", "(dict \"a\" 1 \"b\" \"two\")", "(dict \"nested\" (dict \"a\" (list 1 2)) \"name\" \"n\")"]))
            .to_owned(),
        "smap" => "(split \",\" \"x,y,z\")".to_owned(),
        "time" => {
            let date = *random.pick(&["2021-03-04", "1999-12-31", "2024-02-29", "0001-01-01"]);
            format!("(toDate \"2006-01-02\" \"{date}\")")
        }
        _ => return None,
    })
}

/// A text as a Go literal, in quotes or in backquotes.
pub fn quoted(random: &mut Random, text: &str) -> String {
    if random.percent(15) && !text.contains(['`', '\r', '\u{0}', '\u{feff}']) {
        return format!("`{text}`");
    }
    if random.percent(1) {
        return "\"\\xff\\xfea\"".to_owned();
    }
    let mut literal = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            '\r' => literal.push_str("\\r"),
            letter if letter < ' ' || letter == '\u{7f}' => literal.push_str(&format!("\\x{:02x}", u32::from(letter))),
            '\u{feff}' => literal.push_str("\\ufeff"),
            letter => literal.push(letter),
        }
    }
    literal.push('"');
    literal
}
