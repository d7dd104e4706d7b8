//! The lists of real files that `examples/corpus.rs` plans.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_lists_of_real_files_are_whole() {
    for (list, least) in [(include_str!("../corpus/gitlab.txt"), 40), (include_str!("../corpus/github.txt"), 60)] {
        let mut names = BTreeSet::new();
        for line in list.lines().filter(|line| !line.starts_with(['#', ' '])) {
            let [repository, commit, path, event] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            assert!(repository.split('/').count() == 2 && Path::new(path).extension().is_some() && !event.is_empty(), "{line}");
            assert!(names.insert(repository), "{repository} is there twice");
        }
        assert!(names.len() >= least, "{} files", names.len());
    }
}
