//! `penstock gc`: asked of the server, which knows what is needed.

use penstock_api::{Collect, Collected};
use penstock_model::counted;

use crate::args::Gc;
use crate::context::Context;
use crate::terminal::plain;
use crate::{CliError, exit};

/// Has the server remove what nothing needs.
pub(super) async fn gc(context: &Context, args: &Gc) -> Result<u8, CliError> {
    let order = Collect { dry_run: args.dry_run, days: args.days };
    let collected: Collected = context.client()?.post("/gc", &order).await?;
    context.show(&collected, |collected| print!("{}", text(collected)));
    Ok(exit::OK)
}

/// The sum first, then the sorts; a dry run names each thing besides.
fn text(collected: &Collected) -> String {
    let verb = if collected.dry_run { "would go" } else { "gone" };
    let mut text =
        format!("{verb}: {}, {}; kept: {}\n", counted(collected.removed, "thing"), size(collected.bytes), counted(collected.kept, "blob"));
    for (kind, sum) in &collected.kinds {
        // an image's bytes are among the blobs
        let bytes = if kind == "image" { String::new() } else { size(sum.bytes) };
        text.push_str(format!("  {kind:<12} {:>8}  {bytes}", sum.removed).trim_end());
        text.push('\n');
    }
    if collected.dry_run {
        for thing in &collected.things {
            let bytes = if thing.kind == "image" { String::new() } else { size(thing.bytes) };
            text.push_str(format!("{:<12} {} {bytes}", thing.kind, plain(&thing.name)).trim_end());
            text.push('\n');
        }
        if collected.left_off > 0 {
            text.push_str(&format!("and {} more\n", collected.left_off));
        }
    }
    text
}

/// Bytes for people, rounded down.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} B"),
        1024..1_048_576 => (1024, "KiB"),
        1_048_576..1_073_741_824 => (1_048_576, "MiB"),
        _ => (1_073_741_824, "GiB"),
    };
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_api::{CollectedKind, CollectedThing};

    #[test]
    fn sizes_are_rounded_down_in_the_unit_that_fits() {
        for (bytes, expected) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1023.9 KiB"), (1_572_864, "1.5 MiB"), (1 << 40, "1024.0 GiB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn a_dry_run_names_each_thing_and_a_real_one_the_sums() {
        let thing = |kind: &str, name: &str, bytes| CollectedThing { kind: kind.to_owned(), name: name.to_owned(), bytes };
        let mut collected = Collected {
            dry_run: true,
            removed: 3,
            bytes: 1124,
            kept: 9,
            kinds: [
                ("blob".to_owned(), CollectedKind { removed: 1, bytes: 1024 }),
                ("image".to_owned(), CollectedKind { removed: 1, bytes: 0 }),
            ]
            .into(),
            things: vec![thing("image", "oran/app@sha256:aa", 0), thing("blob", "sha256:bb", 1024)],
            left_off: 1,
        };
        assert_eq!(
            text(&collected),
            "would go: 3 things, 1.0 KiB; kept: 9 blobs\n  blob                1  1.0 KiB\n  image               1\n\
             image        oran/app@sha256:aa\nblob         sha256:bb 1.0 KiB\nand 1 more\n"
        );
        collected.dry_run = false;
        assert_eq!(text(&collected), "gone: 3 things, 1.0 KiB; kept: 9 blobs\n  blob                1  1.0 KiB\n  image               1\n");
    }
}
