//! Packed charts, signed: `penstock chart package --sign`.

use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use penstock_chart::{
    package::Packed,
    provenance::{Keyring, Passphrase, Signer, Unsigned},
};
use penstock_cli::{CliError, args::chart::Package, exit};

/// The longest file of a passphrase.
const LONGEST: u64 = 64 << 10;

/// By what charts are signed.
pub struct Signing {
    keyring: Keyring,
    name: String,
    passphrase: Option<Passphrase>,
}

impl Signing {
    /// As the flags say it; none where nothing is to be signed.
    pub fn of(args: &Package) -> Result<Option<Self>, CliError> {
        let Some(name) = args.key.clone().filter(|_| args.sign) else { return Ok(None) };
        let keyring = keyring(args.keyring.as_deref())?;
        let passphrase = args.passphrase_file.as_deref().map(passphrase).transpose()?;
        Ok(Some(Self { keyring, name, passphrase }))
    }

    /// The key, opened.
    pub fn signer(&self) -> Result<Signer<'_>, CliError> {
        self.keyring.entity(&self.name).and_then(|entity| entity.unlock(self.passphrase.as_ref())).map_err(|why| self.refused(&why))
    }

    /// The provenance file of a packed chart.
    pub fn provenance(&self, signer: &Signer<'_>, packed: &Packed, created: u64) -> Result<String, CliError> {
        let created = u32::try_from(created).map_err(|_| {
            CliError::other("nothing is signed at that time", "SOURCE_DATE_EPOCH is a time in seconds before the year 2106", exit::USAGE)
        })?;
        signer.sign(&packed.file_name, &packed.bytes, created).map_err(|why| self.refused(&why))
    }

    fn refused(&self, why: &Unsigned) -> CliError {
        let hint = match why {
            Unsigned::Vague(_) => "name one key alone: its name in full, or its mail address",
            Unsigned::Nobody | Unsigned::Public => "--keyring names a file of private keys: gpg --export-secret-keys NAME > FILE",
            Unsigned::Locked => "hand it in by --passphrase-file FILE, or by --passphrase-file - from standard input",
            Unsigned::Key(_) => "if the passphrase is right, name another key by --key",
            Unsigned::MayNotSign | Unsigned::Archive(_) => "",
        };
        CliError::other(format!("signing with the key {:?}: {why}", self.name), hint, exit::NOT_GOOD)
    }
}

/// The keys in a file; those of `GnuPG` unless one is named.
pub fn keyring(named: Option<&Path>) -> Result<Keyring, CliError> {
    let file = named.map_or_else(own_keyring, Path::to_owned);
    let failed = |source| CliError::Io { what: format!("reading the keyring {}", file.display()), source };
    let bytes = std::fs::read(&file).map_err(failed)?;
    let refused = |why| CliError::other(format!("{}: {why}", file.display()), "--keyring names a file of OpenPGP keys", exit::NOT_GOOD);
    Keyring::read(&bytes).map_err(refused)
}

fn own_keyring() -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(".gnupg");
    std::env::var_os("GNUPGHOME").map_or_else(home, PathBuf::from).join("pubring.gpg")
}

/// The first line of a file, or of standard input.
fn passphrase(file: &Path) -> Result<Passphrase, CliError> {
    let failed = |source| CliError::Io { what: format!("reading the passphrase from {}", file.display()), source };
    let line = if file.as_os_str() == "-" {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            let message = "a passphrase is not read from a terminal, where it would be seen";
            return Err(CliError::other(message, "hand it in: penstock chart package … --passphrase-file - < FILE", exit::USAGE));
        }
        first_line(stdin.lock())
    } else {
        first_line(File::open(file).map_err(failed)?)
    };
    line.map_err(failed)
}

fn first_line(from: impl Read) -> std::io::Result<Passphrase> {
    let mut text = Vec::new();
    from.take(LONGEST).read_to_end(&mut text)?;
    if text.is_empty() {
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it is empty"));
    }
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    text.truncate(end);
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(Passphrase::new(text))
}
