//! syft: an SPDX document of an image or a directory.

use std::path::Path;

use penstock_model::tool::{ToolCall, ToolResult};

use super::TIMEOUT;

/// What syft looks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyftInput {
    /// An OCI image layout (a directory).
    OciLayout,
    /// An OCI image layout in a tar archive.
    OciArchive,
    /// A directory: an unpacked root filesystem, or a source tree.
    Directory,
}

/// The call that writes SPDX 2.3 JSON. `name` and `version` name what is looked into, so that the document does not
/// name a path of this machine.
pub fn syft_call(kind: SyftInput, input: &Path, name: &str, version: &str) -> ToolCall {
    let scheme = match kind {
        SyftInput::OciLayout => "oci-dir",
        SyftInput::OciArchive => "oci-archive",
        SyftInput::Directory => "dir",
    };
    let args = vec![
        "scan".to_owned(),
        format!("{scheme}:{{input}}"),
        "--quiet".to_owned(),
        format!("--source-name={name}"),
        format!("--source-version={version}"),
        "--output=spdx-json={output}".to_owned(),
    ];
    ToolCall { program: "syft".to_owned(), args, input: input.to_owned(), result: ToolResult::File, ran: vec![0], timeout: TIMEOUT }
}
