//! Kinds of objects that Kubernetes gives up, as client-go 0.33 knows them: `deprecations.tsv` holds API version, kind, since when, until when and
//! what to use instead.

use crate::render::KubeVersion;

const TABLE: &str = include_str!("deprecations.tsv");

/// What Kubernetes would warn of in this version.
pub(super) fn warning(api_version: &str, kind: &str, version: &KubeVersion) -> Result<(), String> {
    let number = |text: &str| {
        text.parse::<u32>().map_err(|_| {
            let text = crate::format::quoted(text.as_bytes());
            format!("strconv.Atoi: parsing {text}: invalid syntax")
        })
    };
    let rows = TABLE.lines().filter_map(|line| <[&str; 5]>::try_from(line.split('\t').collect::<Vec<_>>()).ok());
    let Some([_, _, since, until, instead]) = rows.into_iter().find(|row| row[0] == api_version && row[1] == kind) else {
        return Ok(());
    };
    let current = (number(&version.major)?, number(&version.minor)?);
    let Some((major, minor)) = since.split_once('.') else { return Ok(()) };
    if (number(major)?, number(minor)?) > current {
        return Ok(());
    }
    let mut text = format!("{api_version} {kind} is deprecated in v{since}+");
    if until != "-" {
        text += &format!(", unavailable in v{until}+");
    }
    if instead != "-" {
        text += &format!("; use {instead}");
    }
    Err(text)
}
