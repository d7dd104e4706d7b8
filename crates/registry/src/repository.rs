//! One repository as a value: what it holds, and what may be done to it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use penstock_model::image::Descriptor;
use penstock_model::release::ImageName;
use penstock_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::forms::{Facts, is_tag, names_a_commit};

/// What a repository holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repository {
    pub manifests: BTreeMap<Digest, Facts>,
    /// Blobs that are visible here, with when they became so.
    pub blobs: BTreeMap<Digest, Timestamp>,
    pub tags: BTreeMap<String, Digest>,
}

impl Repository {
    /// What a tag or digest names.
    pub fn resolve(&self, reference: &str) -> Option<Digest> {
        let by_digest = || reference.parse::<Digest>().ok().filter(|digest| self.manifests.contains_key(digest));
        self.tags.get(reference).copied().or_else(by_digest)
    }

    /// Takes a manifest. What it names must be there; an index's and an image's subject may come later.
    pub fn add(&mut self, name: &ImageName, digest: Digest, facts: Facts) -> Result<(), Error> {
        let missing_blob = facts.blobs.iter().find(|blob| !self.blobs.contains_key(*blob));
        let missing = missing_blob.or_else(|| facts.manifests.iter().find(|manifest| !self.manifests.contains_key(*manifest)));
        if let Some(missing) = missing {
            return Err(Error::Incomplete { name: name.clone(), digest: *missing });
        }
        self.manifests.insert(digest, facts);
        Ok(())
    }

    /// Names a manifest that is here.
    pub fn tag(&mut self, name: &ImageName, tag: &str, digest: Digest) -> Result<(), Error> {
        if !is_tag(tag) {
            return Err(Error::InvalidTag(tag.chars().take(80).collect()));
        }
        if !self.manifests.contains_key(&digest) {
            return Err(Error::NoManifest { name: name.clone(), reference: digest.to_string() });
        }
        match self.tags.insert(tag.to_owned(), digest) {
            Some(before) if before != digest && names_a_commit(tag) => {
                self.tags.insert(tag.to_owned(), before);
                Err(Error::Immutable { name: name.clone(), tag: tag.to_owned(), is: before })
            }
            _ => Ok(()),
        }
    }

    /// Removes a manifest with its tags and, unless `alone`, what is attached to it. False if there is none.
    pub fn remove(&mut self, digest: Digest, alone: bool) -> bool {
        if self.manifests.remove(&digest).is_none() {
            return false;
        }
        self.tags.retain(|_, named| *named != digest);
        if !alone {
            let attached: Vec<Digest> = self.attached(digest).map(|(digest, _)| digest).collect();
            for digest in attached {
                // what is attached to it was removed with the manifest that it names, so this ends
                self.remove(digest, false);
            }
        }
        true
    }

    fn attached(&self, subject: Digest) -> impl Iterator<Item = (Digest, &Facts)> {
        self.manifests.iter().filter(move |(_, facts)| facts.subject == Some(subject)).map(|(digest, facts)| (*digest, facts))
    }

    /// What is attached to a manifest, which need not be here.
    pub fn referrers(&self, subject: Digest, artifact_type: Option<&str>) -> Vec<Descriptor> {
        let wanted =
            self.attached(subject).filter(|(_, facts)| artifact_type.is_none_or(|kind| facts.artifact_type.as_deref() == Some(kind)));
        wanted
            .map(|(digest, facts)| Descriptor {
                media_type: facts.media_type.clone(),
                digest,
                size: facts.size,
                artifact_type: facts.artifact_type.clone(),
                annotations: facts.annotations.clone(),
            })
            .collect()
    }

    /// Removes manifests that nothing keeps, with their tags; gives them. A manifest is kept if it is among `needed`, if a
    /// tag that is not `spent` names it, or if it was pushed at this moment or later; and with it what an index names, and
    /// what is attached to it.
    pub fn sift(&mut self, needed: &BTreeSet<Digest>, spent: &BTreeSet<String>, since: Timestamp) -> Vec<Digest> {
        let tagged = self.tags.iter().filter(|(tag, _)| !spent.contains(*tag)).map(|(_, digest)| *digest);
        let young = self.manifests.iter().filter(|(_, facts)| facts.since >= since).map(|(digest, _)| *digest);
        let mut found: Vec<Digest> = needed.iter().copied().chain(tagged).chain(young).collect();
        let mut attached: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        for (digest, facts) in &self.manifests {
            if let Some(subject) = facts.subject {
                attached.entry(subject).or_default().push(*digest);
            }
        }
        let mut kept = BTreeSet::new();
        while let Some(digest) = found.pop() {
            let Some(facts) = self.manifests.get(&digest) else { continue };
            if kept.insert(digest) {
                found.extend(facts.manifests.iter().chain(attached.get(&digest).into_iter().flatten()));
            }
        }
        let gone: Vec<Digest> = self.manifests.keys().filter(|digest| !kept.contains(digest)).copied().collect();
        self.manifests.retain(|digest, _| kept.contains(digest));
        self.tags.retain(|_, named| kept.contains(named));
        gone
    }

    /// A manifest names this blob.
    pub fn needs(&self, blob: Digest) -> bool {
        self.manifests.values().any(|facts| facts.blobs.contains(&blob))
    }

    /// Forgets blobs that no manifest names and that came before a moment. True if there were any.
    pub fn forget_loose(&mut self, before: Timestamp) -> bool {
        let needed: BTreeSet<Digest> = self.manifests.values().flat_map(|facts| facts.blobs.iter().copied()).collect();
        let count = self.blobs.len();
        self.blobs.retain(|digest, since| *since >= before || needed.contains(digest));
        self.blobs.len() < count
    }

    /// Nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.blobs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(subject: Option<Digest>) -> Facts {
        let media_type = "m".to_owned();
        Facts {
            media_type,
            size: 1,
            artifact_type: None,
            subject,
            annotations: BTreeMap::new(),
            blobs: Vec::new(),
            manifests: Vec::new(),
            since: Timestamp(0),
        }
    }

    #[test]
    fn a_commits_tag_is_never_moved_and_others_are() {
        let name: ImageName = "oran/a".parse().unwrap();
        let (one, two) = (Digest::of("1"), Digest::of("2"));
        let mut repository = Repository::default();
        repository.add(&name, one, facts(None)).unwrap();
        repository.add(&name, two, facts(None)).unwrap();
        let commit = "a".repeat(40);
        for tag in ["latest", &commit] {
            repository.tag(&name, tag, one).unwrap();
            repository.tag(&name, tag, one).unwrap();
        }
        repository.tag(&name, "latest", two).unwrap();
        assert!(matches!(repository.tag(&name, &commit, two), Err(Error::Immutable { is, .. }) if is == one));
        assert_eq!((repository.resolve("latest"), repository.resolve(&commit)), (Some(two), Some(one)));
        assert!(repository.tag(&name, "other", Digest::of("3")).is_err());
    }

    /// In words, what is needed, which tags are spent, since when what was pushed is young, and what goes.
    type Sifting<'a> = (&'a str, BTreeSet<Digest>, &'a BTreeSet<String>, i64, &'a [&'a str]);

    #[test]
    fn what_is_sifted_out_is_what_nothing_keeps() {
        let names = ["spent", "tagged", "needed", "young", "index", "listed", "bundle", "note", "orphan"];
        let of = |name: &str| Digest::of(name);
        let mut whole = Repository::default();
        for name in names {
            whole.manifests.insert(of(name), facts(None));
        }
        let change = |repository: &mut Repository, name: &str, change: &dyn Fn(&mut Facts)| {
            change(repository.manifests.get_mut(&of(name)).unwrap());
        };
        change(&mut whole, "young", &|facts| facts.since = Timestamp(10));
        change(&mut whole, "index", &|facts| facts.manifests = vec![of("listed")]);
        change(&mut whole, "bundle", &|facts| facts.subject = Some(of("listed")));
        change(&mut whole, "note", &|facts| facts.subject = Some(of("bundle")));
        change(&mut whole, "orphan", &|facts| facts.subject = Some(of("never pushed")));
        for (tag, name) in [("aaaa", "spent"), ("aaaa2", "tagged"), ("latest", "tagged"), ("v1", "index")] {
            whole.tags.insert(tag.to_owned(), of(name));
        }
        let spent = ["aaaa", "aaaa2"].map(str::to_owned).into();
        let none = BTreeSet::new();
        let no_tags = BTreeSet::new();
        let cases: [Sifting<'_>; 4] = [
            ("all rules", [of("needed"), of("elsewhere")].into(), &spent, 10, &["spent", "orphan"]),
            ("a tag that is not spent keeps", [of("needed")].into(), &no_tags, 10, &["orphan"]),
            ("nobody needs it", none.clone(), &spent, 10, &["spent", "needed", "orphan"]),
            ("what is old is not young", none, &spent, 11, &["spent", "needed", "young", "orphan"]),
        ];
        for (case, needed, spent, since, expected) in cases {
            let mut repository = whole.clone();
            let gone: BTreeSet<Digest> = repository.sift(&needed, spent, Timestamp(since)).into_iter().collect();
            assert_eq!(gone, expected.iter().map(|name| of(name)).collect(), "{case}");
            assert_eq!(repository.manifests.len(), names.len() - expected.len(), "{case}");
            assert!(repository.tags.values().all(|named| repository.manifests.contains_key(named)), "{case}");
            // what stays, stays
            assert!(repository.sift(&needed, spent, Timestamp(since)).is_empty(), "{case}");
        }
    }

    #[test]
    fn what_is_attached_goes_with_its_subject_even_in_a_circle() {
        let name: ImageName = "a".parse().unwrap();
        let [image, bundle, note] = ["1", "2", "3"].map(Digest::of);
        let mut repository = Repository::default();
        repository.add(&name, image, facts(Some(note))).unwrap();
        repository.add(&name, bundle, facts(Some(image))).unwrap();
        repository.add(&name, note, facts(Some(bundle))).unwrap();
        repository.tag(&name, "x", bundle).unwrap();
        assert!(repository.remove(image, false));
        assert!(repository.is_empty() && repository.tags.is_empty());
        assert!(!repository.remove(image, false));
    }
}
