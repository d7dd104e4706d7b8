//! What a path names. Repositories have slashes in their names, so paths are read from their ends.

use penstock_model::Digest;
use penstock_model::release::ImageName;

use super::error::{Code, Failure};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Root,
    Catalog,
    Tags(ImageName),
    Referrers(ImageName, Digest),
    Manifest(ImageName, String),
    Blob(ImageName, Digest),
    Uploads(ImageName),
    Upload(ImageName, String),
}

pub(super) fn parse(rest: &str) -> Result<Route, Failure> {
    if rest.is_empty() {
        return Ok(Route::Root);
    }
    if rest == "_catalog" {
        return Ok(Route::Catalog);
    }
    if let Some(name) = rest.strip_suffix("/tags/list") {
        return Ok(Route::Tags(repository(name)?));
    }
    let unknown = || Failure::new(Code::NameUnknown, "there is no such thing in a registry");
    let (before, last) = rest.rsplit_once('/').ok_or_else(unknown)?;
    if let Some(name) = before.strip_suffix("/blobs/uploads") {
        let name = repository(name)?;
        return Ok(if last.is_empty() { Route::Uploads(name) } else { Route::Upload(name, last.to_owned()) });
    }
    if let Some(name) = before.strip_suffix("/manifests") {
        return Ok(Route::Manifest(repository(name)?, last.to_owned()));
    }
    if let Some(name) = before.strip_suffix("/referrers") {
        return Ok(Route::Referrers(repository(name)?, digest(last)?));
    }
    match before.strip_suffix("/blobs") {
        // some clients leave the last slash out
        Some(name) if last == "uploads" => Ok(Route::Uploads(repository(name)?)),
        Some(name) => Ok(Route::Blob(repository(name)?, digest(last)?)),
        None => Err(unknown()),
    }
}

pub(super) fn repository(name: &str) -> Result<ImageName, Failure> {
    name.parse().map_err(|error: penstock_model::release::InvalidImageName| Failure::new(Code::NameInvalid, error.to_string()))
}

pub(super) fn digest(text: &str) -> Result<Digest, Failure> {
    text.parse().map_err(|error: penstock_model::digest::InvalidDigest| Failure::new(Code::DigestInvalid, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_may_be_called_like_a_part_of_the_protocol() {
        let digest = Digest::of("x");
        let name = |text: &str| text.parse::<ImageName>().unwrap();
        assert_eq!(parse("a/blobs/uploads/tags/list").unwrap(), Route::Tags(name("a/blobs/uploads")));
        assert_eq!(parse("a/manifests/manifests/latest").unwrap(), Route::Manifest(name("a/manifests"), "latest".to_owned()));
        assert_eq!(parse(&format!("a/b/blobs/{digest}")).unwrap(), Route::Blob(name("a/b"), digest));
        assert_eq!(parse("a/blobs/uploads/").unwrap(), Route::Uploads(name("a")));
        assert_eq!(parse("a/blobs/uploads").unwrap(), Route::Uploads(name("a")));
        assert_eq!(parse("a/blobs/uploads/x1").unwrap(), Route::Upload(name("a"), "x1".to_owned()));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for path in ["a", "a/b", "A/tags/list", "../tags/list", "a/blobs/sha256:x", "/manifests/x", "a/referrers/latest"] {
            assert!(parse(path).is_err(), "{path}");
        }
    }
}
