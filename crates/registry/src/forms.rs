//! What is pushed, read: tags and manifests. Pure.

use std::collections::BTreeMap;

use crate::error::Error;
use penstock_model::image::media;
use penstock_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Docker's own manifest, which clients still push.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's own index.
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The most that one manifest may name.
const MAX_NAMED: usize = 2000;

/// A tag as the specification has it.
pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// A tag that names a commit, which is never moved: a full object id.
pub(crate) fn names_a_commit(tag: &str) -> bool {
    matches!(tag.len(), 40 | 64) && tag.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What the registry knows of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub media_type: String,
    pub size: u64,
    /// Of an artifact, or the configuration's media type for an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Configuration and layers that have to be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Digest>,
    /// Manifests that an index names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<Digest>,
    /// When it was last pushed. Of one that was read and not yet taken, and of one taken before this was kept, long ago.
    #[serde(default)]
    pub since: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Named>,
    layers: Option<Vec<Named>>,
    manifests: Option<Vec<Named>>,
    subject: Option<Named>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    media_type: String,
    digest: String,
    /// Asked for, so that a descriptor without it is refused.
    #[serde(rename = "size")]
    _size: u64,
}

impl Named {
    fn digest(&self) -> Result<Digest, Error> {
        self.digest.parse().map_err(|_| invalid(format!("it names `{}`, and only sha256 digests are kept here", self.digest)))
    }

    /// Layers that are not to be given away may be absent (image specification 1.0).
    fn may_be_absent(&self) -> bool {
        self.media_type.contains(".nondistributable.") || self.media_type.contains("rootfs.foreign.")
    }
}

/// Reads a manifest or index as it was pushed; `media_type` is what the client says it is.
pub(crate) fn read(bytes: &[u8], media_type: Option<&str>) -> Result<Facts, Error> {
    let form: Form = serde_json::from_slice(bytes).map_err(|e| invalid(e.to_string()))?;
    if form.schema_version != 2 {
        return Err(invalid(format!("schema version {}; push it again with a client of this decade", form.schema_version)));
    }
    let media_type = match (media_type, form.media_type.as_deref()) {
        (Some(said), Some(inside)) if said != inside => return Err(invalid(format!("it was pushed as {said} and calls itself {inside}"))),
        (_, Some(inside)) => inside,
        (Some(said), None) => said,
        (None, None) => return Err(invalid("it does not say its media type".to_owned())),
    };
    let is_index = match media_type {
        media::MANIFEST | DOCKER_MANIFEST => false,
        media::INDEX | DOCKER_LIST => true,
        other => return Err(invalid(format!("the media type {other} is none of a manifest or index"))),
    };
    let named = form.layers.as_ref().map_or(0, Vec::len) + form.manifests.as_ref().map_or(0, Vec::len);
    if named > MAX_NAMED {
        return Err(invalid(format!("it names {named} things, and {MAX_NAMED} are taken")));
    }
    let (mut blobs, mut manifests) = (Vec::new(), Vec::new());
    let mut artifact_type = form.artifact_type.filter(|kind| !kind.is_empty());
    if is_index {
        let listed = form.manifests.ok_or_else(|| invalid("an index has `manifests`".to_owned()))?;
        manifests = listed.iter().map(Named::digest).collect::<Result<_, _>>()?;
        if form.layers.is_some() || form.config.is_some() {
            return Err(invalid("an index has neither `config` nor `layers`".to_owned()));
        }
    } else {
        let config = form.config.ok_or_else(|| invalid("a manifest has `config`".to_owned()))?;
        if form.manifests.is_some() {
            return Err(invalid("a manifest has no `manifests`".to_owned()));
        }
        let layers = form.layers.unwrap_or_default();
        // a configuration is always there, whatever it calls itself: it is read as what the repository holds
        let layers = layers.iter().filter(|named| !named.may_be_absent());
        blobs = [&config].into_iter().chain(layers).map(Named::digest).collect::<Result<_, _>>()?;
        artifact_type.get_or_insert(config.media_type);
    }
    let text = |(key, value)| match value {
        Value::String(value) => Ok((key, value)),
        other => Err(invalid(format!("the annotation `{key}` is {other}, not text"))),
    };
    Ok(Facts {
        media_type: media_type.to_owned(),
        size: bytes.len() as u64,
        artifact_type,
        subject: form.subject.map(|subject| subject.digest()).transpose()?,
        annotations: form.annotations.unwrap_or_default().into_iter().map(text).collect::<Result<_, _>>()?,
        blobs,
        manifests,
        since: Timestamp::default(),
    })
}

pub(crate) fn invalid(why: String) -> Error {
    Error::InvalidManifest(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn manifest(rest: &str) -> String {
        format!(r#"{{"schemaVersion":2,"config":{{"mediaType":"application/x","digest":"{EMPTY}","size":2}},"layers":[]{rest}}}"#)
    }

    #[test]
    fn tags_are_as_the_specification_has_them() {
        for tag in ["latest", "v1.0", "_a", "A-b_c.d", &"a".repeat(128)] {
            assert!(is_tag(tag), "{tag}");
        }
        for not in ["", ".a", "-a", "a/b", "a b", "é", "sha256:x", &"a".repeat(129)] {
            assert!(!is_tag(not), "{not}");
        }
        assert!(names_a_commit(&"0a".repeat(20)) && names_a_commit(&"0a".repeat(32)));
        assert!(!names_a_commit("main") && !names_a_commit(&"0A".repeat(20)) && !names_a_commit("deadbeef"));
    }

    #[test]
    fn an_artifact_without_a_type_has_its_configurations() {
        let facts = read(manifest("").as_bytes(), Some(media::MANIFEST)).unwrap();
        assert_eq!((facts.artifact_type.as_deref(), facts.blobs.len()), (Some("application/x"), 1));
        let facts = read(manifest(r#","artifactType":"application/y""#).as_bytes(), Some(media::MANIFEST)).unwrap();
        assert_eq!(facts.artifact_type.as_deref(), Some("application/y"));
    }

    #[test]
    fn a_layer_that_is_not_given_away_may_be_absent_and_a_configuration_never() {
        let layer = format!(r#"{{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar","digest":"{EMPTY}","size":2}}"#);
        let text = manifest("").replace(r#""layers":[]"#, &format!(r#""layers":[{layer}]"#));
        assert_eq!(read(text.as_bytes(), Some(media::MANIFEST)).unwrap().blobs.len(), 1);
        let text = manifest("").replace("application/x", "application/x.nondistributable.y");
        assert_eq!(read(text.as_bytes(), Some(media::MANIFEST)).unwrap().blobs, [EMPTY.parse().unwrap()]);
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        let said = format!(r#","mediaType":"{}""#, media::INDEX);
        for (bytes, media_type) in [
            ("{", Some(media::MANIFEST)),
            ("{}", Some(media::MANIFEST)),
            (r#"{"schemaVersion":1}"#, Some(media::MANIFEST)),
            (&*manifest(""), None),
            (&*manifest(&said), Some(media::MANIFEST)),
            (&*manifest(""), Some("application/json")),
            (&*manifest(""), Some(media::INDEX)),
            (r#"{"schemaVersion":2,"manifests":[]}"#, Some(media::MANIFEST)),
            (&*manifest("").replace("sha256:44", "sha512:44"), Some(media::MANIFEST)),
            (&*manifest(r#","annotations":{"a":1}"#), Some(media::MANIFEST)),
        ] {
            assert!(read(bytes.as_bytes(), media_type).is_err(), "{bytes} {media_type:?}");
        }
    }
}
