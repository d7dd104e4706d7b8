//! `penstock chart package` and `verify`.

use std::path::Path;

use penstock_chart::{
    chart::Chart,
    load,
    package::pack,
    provenance::{self, Refusal, Verification},
};
use penstock_cli::{
    CliError, Output,
    args::chart::{Package, Verify},
    exit, terminal,
};
use serde_json::json;

use super::{
    dependency, fetch, folder,
    sign::{self, Signing},
    source,
};

/// Packs charts.
pub async fn package(args: &Package, output: Output) -> Result<(), CliError> {
    if args.credentials.access.password_stdin && args.passphrase_file.as_deref() == Some(Path::new("-")) {
        let message = "standard input can be a passphrase or a password, not both";
        return Err(CliError::other(message, "put the passphrase into a file: --passphrase-file FILE", exit::USAGE));
    }
    // before anything is written, so that no archive is left without the signature that was asked for
    let signing = Signing::of(args)?;
    let signer = signing.as_ref().map(|signing| signing.signer().map(|signer| (signing, signer))).transpose()?;
    let (mut written, mut signed) = (Vec::new(), Vec::new());
    for place in &args.charts {
        if args.dependency_update {
            dependency::update(place, &args.credentials).await?;
        }
        let mut chart = read(place)?;
        if let Some(version) = &args.version {
            chart.metadata.version.clone_from(version);
        }
        if let Some(version) = &args.app_version {
            chart.metadata.app_version.clone_from(version);
        }
        source::check_dependencies(&chart)?;
        let modified = modified();
        let packed = pack(&chart, modified).map_err(|error| CliError::other(format!("{}: {error}", place.display()), "", exit::USAGE))?;
        if let Some((signing, signer)) = &signer {
            let provenance = signing.provenance(signer, &packed, modified)?;
            signed.push(fetch::put(&args.destination, &format!("{}.prov", packed.file_name), provenance.as_bytes())?);
        }
        written.push(fetch::put(&args.destination, &packed.file_name, &packed.bytes)?);
    }
    let [shown, signed] = [written, signed].map(|paths| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
    match output {
        Output::Json => {
            println!("{}", serde_json::to_string_pretty(&json!({ "files": shown, "provenance": signed })).unwrap_or_default());
        }
        Output::Text => shown.iter().for_each(|path| println!("Successfully packaged chart and saved it to: {path}")),
    }
    Ok(())
}

/// Reads a chart's folder.
pub fn read(place: &Path) -> Result<Chart, CliError> {
    let loaded =
        load::files(folder::read(place)?).map_err(|error| CliError::other(format!("{}: {error}", place.display()), "", exit::USAGE))?;
    Ok(loaded.chart)
}

/// The time that an archive carries: `SOURCE_DATE_EPOCH` where it is set, so that the same chart is the same archive, and now otherwise.
fn modified() -> u64 {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    set.unwrap_or_else(|| u64::try_from(super::now().timestamp().as_second()).unwrap_or_default())
}

/// Checks a packed chart against the provenance file beside it.
pub fn verify(args: &Verify, output: Output) -> Result<(), CliError> {
    let archive = source::archive(&args.archive)?;
    let beside = format!("{}.prov", args.archive.display());
    let provenance = std::fs::read(&beside).map_err(|source| CliError::Io { what: format!("reading {beside}"), source })?;
    let name = args.archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let proof = check(&name, &archive, &provenance, args.keyring.as_deref())?;
    let by: Vec<String> = proof.signed_by.iter().map(|name| terminal::plain(&name.lossy())).collect();
    match output {
        Output::Json => {
            let shown = json!({ "signedBy": by, "fingerprint": proof.fingerprint, "digest": proof.file_hash });
            println!("{}", serde_json::to_string_pretty(&shown).unwrap_or_default());
        }
        Output::Text => {
            by.iter().for_each(|name| println!("Signed by: {name}"));
            println!("Using Key With Fingerprint: {}\nChart Hash Verified: {}", proof.fingerprint, proof.file_hash);
        }
    }
    Ok(())
}

/// What the provenance file of an archive proves. Refuses what is not signed by a key of the ring.
pub fn check(name: &str, archive: &[u8], signed: &[u8], keyring: Option<&Path>) -> Result<Verification, CliError> {
    let refused =
        |refusal: Refusal| CliError::other(format!("{name}: {refusal}"), "--keyring names the keys that may have signed", exit::NOT_GOOD);
    provenance::verify(name, archive, signed, &sign::keyring(keyring)?).map_err(refused)
}
