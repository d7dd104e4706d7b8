//! Archives of charts as cases: entries with odd names and kinds, bytes that were spoilt.

use std::io::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use penstock_chart::load;
use serde_json::{Value as Json, json};

use super::{compare::Case, oracle::Outcome, random::Random, render};

/// An archive: its entries, and what is done to its bytes.
#[derive(Clone, Debug)]
pub struct Archive {
    entries: Vec<(String, u8, &'static str)>,
    /// In the tar, or in what gzip made of it: where, and by what.
    spoilt: Vec<(bool, usize, u8)>,
}

impl Archive {
    fn bytes(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, kind, text) in &self.entries {
            tar.extend(header(name, *kind, text.len()));
            tar.extend(text.as_bytes());
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        self.spoil(false, &mut tar);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&tar).expect("memory can be written to");
        let mut packed = encoder.finish().expect("memory can be written to");
        self.spoil(true, &mut packed);
        packed
    }

    fn spoil(&self, packed: bool, bytes: &mut Vec<u8>) {
        for (_, at, by) in self.spoilt.iter().filter(|(of, ..)| *of == packed) {
            let at = at % bytes.len().max(1);
            if *by == 0xee {
                bytes.truncate(at);
            } else if let Some(byte) = bytes.get_mut(at) {
                *byte = *by;
            }
        }
    }
}

/// A header of the old format, its sum right.
fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
    let mut header = vec![0; 512];
    for (at, text) in
        [(0, name), (100, "0000644\0"), (108, "0000000\0"), (116, "0000000\0"), (136, "00000000000\0"), (257, "ustar\0"), (263, "00")]
    {
        let text = &text.as_bytes()[..text.len().min(100)];
        header[at..at + text.len()].copy_from_slice(text);
    }
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = kind;
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

impl Case for Archive {
    fn question(&self) -> (Json, &'static str) {
        (json!({ "op": "render", "goVersion": "go1.24.4", "archive": BASE64_STANDARD.encode(self.bytes()) }), "files")
    }

    fn ours(&self) -> Outcome {
        let (question, _) = self.question();
        render::chart_files(&question, load::archive(&self.bytes()))
    }

    fn smaller(&self) -> Vec<Self> {
        let entries = (0..self.entries.len()).map(|at| {
            let mut fewer = self.clone();
            fewer.entries.remove(at);
            fewer
        });
        let spoilt = (0..self.spoilt.len()).map(|at| {
            let mut fewer = self.clone();
            fewer.spoilt.remove(at);
            fewer
        });
        entries.chain(spoilt).collect()
    }

    fn shown(&self) -> String {
        format!("{:?} spoilt {:?}", self.entries, self.spoilt)
    }

    fn any_will_do(&self, _: &[u8], _: &[u8]) -> bool {
        // a spoilt stream is told by where it was seen to be spoilt, which hangs on how much is read at a time
        self.spoilt.iter().any(|(packed, ..)| *packed)
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

const NAMES: &[&str] = &[
    "c/values.yaml",
    "c/templates/a.yaml",
    "c/templates/_h.tpl",
    "c/../../x",
    "/c/abs.txt",
    "c/./y.txt",
    "c\\z.txt",
    "C:/d.txt",
    "c",
    "top.txt",
    "c//double.txt",
    "c/.hidden",
    "c/charts/d/Chart.yaml",
    "c/charts/d/templates/t.yaml",
    "c/charts/d.tgz",
    "other/Chart.yaml",
    "c/crds/x.yaml",
    "..",
    "c/..",
    "c/a/../b.txt",
    "",
    "c/values.schema.json",
    "c/Chart.lock",
    "c/requirements.yaml",
    "pax_global_header",
    "c/charts/_x/y",
    "c/é.txt",
];
const TEXTS: &[&str] = &[
    "",
    "a: 1\n",
    "text {{ .Chart.Name }} {{ .Values }}",
    "apiVersion: v2\nname: d\nversion: 0.1.0\n",
    "\u{feff}b: 2",
    "{",
    "name: [",
    "{{ end }}",
    "dependencies: []\n",
];

/// Grows an archive; one of two is spoilt.
pub fn grow(seed: u64) -> Archive {
    let mut random = Random::new(seed);
    let metadata = random.word(&[
        "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "apiVersion: v1\nname: c\nversion: 1.0.0\n",
        "name: c\n",
        "name: ../c\nversion: 1.0.0\napiVersion: v2\n",
        "a: [",
    ]);
    let mut entries = vec![(
        random.word(&["c/Chart.yaml", "c/Chart.yaml", "c/Chart.yaml", "Chart.yaml", "./c/Chart.yaml", "c/d/Chart.yaml"]).to_owned(),
        b'0',
        metadata,
    )];
    for _ in 0..random.below(5) {
        let kind = *random.pick(b"000000005125gx");
        entries.push((random.word(NAMES).to_owned(), kind, if kind == b'0' { random.word(TEXTS) } else { "" }));
    }
    let spoilt = if random.percent(50) {
        (0..=random.below(2))
            .map(|_| (random.percent(40), random.below(6_000), *random.pick(&[0, 0xff, b'0', b'9', b'/', b'x', 0xee])))
            .collect()
    } else {
        Vec::new()
    };
    Archive { entries, spoilt }
}
