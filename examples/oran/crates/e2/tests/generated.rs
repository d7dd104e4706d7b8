//! The generated code is that of the protocol.

use std::fs;
use std::path::Path;

const FILE: &str = "sdr.e2.v1.rs";

#[test]
fn the_generated_code_is_that_of_the_protocol() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // protox is a compiler in Rust: nobody needs `protoc`.
    let files = protox::compile([root.join("proto/e2.proto")], [root.join("proto")]).expect("the protocol compiles");
    tonic_prost_build::configure().out_dir(fresh).compile_fds(files).expect("code is generated");
    let fresh = fs::read_to_string(fresh.join(FILE)).expect("the generated code is there");
    let kept = root.join("src/generated").join(FILE);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&kept, &fresh).expect("the generated code is written");
    }
    let kept = fs::read_to_string(kept).expect("the generated code is in the repository");
    assert!(kept == fresh, "the protocol has changed: UPDATE=1 cargo test -p sdr-e2");
}
