//! Somebody else's text never panics a reader.

use penstock_scan::{
    AdvisoryDb, NoSources, SecurityReport, Tree, read_cobertura, read_codequality, read_jacoco, read_junit, read_k6, read_sarif,
    read_security, read_spdx, tools,
};
use proptest::prelude::*;

use crate::{judged, output};

const REAL: [&[u8]; 14] = [
    include_bytes!("../fixtures/black.diff"),
    include_bytes!("../fixtures/isort.diff"),
    include_bytes!("../fixtures/pylint.json"),
    include_bytes!("../fixtures/yamllint.txt"),
    include_bytes!("../fixtures/hadolint.json"),
    include_bytes!("../fixtures/gitleaks.json"),
    include_bytes!("../fixtures/bandit.json"),
    include_bytes!("../fixtures/trivy-secret.json"),
    include_bytes!("../fixtures/junit.xml"),
    include_bytes!("../fixtures/cobertura.xml"),
    include_bytes!("../fixtures/k6.json"),
    include_bytes!("../fixtures/ruff.gitlab.json"),
    include_bytes!("../fixtures/semgrep.sast.json"),
    include_bytes!("../fixtures/syft.spdx.json"),
];

fn everything_reads(bytes: &[u8], code: i32) {
    let tree = Tree::default();
    for tool in tools() {
        let _ = tool.read(&output(code, bytes, &String::from_utf8_lossy(bytes)), &judged(&[], &tree, &NoSources));
    }
    let _ = (
        read_junit(bytes, &mut |_| ()),
        read_cobertura(bytes),
        read_jacoco(bytes),
        read_k6(bytes),
        read_spdx(bytes),
        AdvisoryDb::from_zips(&[bytes]),
    );
    let _ = (read_codequality(bytes), read_security(SecurityReport::Sast, bytes), read_sarif(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), code in -1..130) {
        everything_reads(&bytes, code);
    }

    #[test]
    fn damaged_reports_never_panic(which in 0..REAL.len(), at in 0_usize..20_000, length in 0_usize..40, with in "\\PC{0,8}", code in 0..3) {
        let mut bytes = REAL[which].to_vec();
        let at = at % bytes.len();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, with.into_bytes());
        everything_reads(&bytes, code);
    }

    #[test]
    fn xml_like_text_never_panics(text in "(<(testsuites?|testcase|failure|coverage|report|package|sourcefile|class|line)( (name|hits|number|nr|ci)=\"[0-9a-z&;]{0,4}\")?/?>|</[a-z]{1,9}>|[a-z&]{0,3}){0,30}") {
        everything_reads(text.as_bytes(), 0);
    }
}
