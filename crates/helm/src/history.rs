//! Releases and their revisions, looked at.

use std::collections::{BTreeMap, BTreeSet};

use penstock_chart::{
    budget::{Budget, Limits},
    functions::regex,
    release::{Record, Status},
};
use penstock_model::clock::Timestamp;

use crate::{HelmError, Releases};

/// The statuses that are listed where none are named.
const USUAL: [Status; 2] = [Status::Deployed, Status::Failed];

/// Which releases are listed, and how.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The statuses that are shown; where there are none, those that `helm list` shows.
    pub statuses: Vec<Status>,
    /// An expression of Go's that the name fits somewhere; empty for any name.
    pub filter: String,
    /// A selector of the record's labels, as the cluster takes one; empty for any labels.
    pub selector: String,
    /// By date, the oldest first; by name otherwise.
    pub by_date: bool,
    /// The other way round.
    pub reverse: bool,
    /// How many of them are left out at the beginning.
    pub offset: usize,
    /// The most that are given; 0 for all.
    pub most: usize,
}

/// What tells one revision from all others: namespace, release, number.
type Key = (String, String, u32);

fn key(record: &Record) -> Key {
    (record.namespace.clone(), record.name.clone(), record.revision)
}

impl Releases<'_> {
    /// The newest revision of each release of the namespace, or of all when its name is empty; where superseded ones alone are
    /// asked for, which the newest never is, each of those.
    pub async fn list(&self, listing: &Listing) -> Result<Vec<Record>, HelmError> {
        let records = self.storage().query("owner=helm").await?;
        // what selects is left to the cluster: it knows the labels, and what a selector is
        let selected: Option<BTreeSet<Key>> = match listing.selector.as_str() {
            "" => None,
            selector => Some(self.storage().query(&format!("owner=helm,{selector}")).await?.iter().map(key).collect()),
        };
        let mut found = listing.of(records)?;
        found.retain(|record| selected.as_ref().is_none_or(|selected| selected.contains(&key(record))));
        Ok(listing.page(found))
    }

    /// Whether `upgrade --install` upgrades: there is a release, and it was not uninstalled.
    pub async fn is_installed(&self, name: &str) -> Result<bool, HelmError> {
        match self.storage().last(name).await {
            Err(HelmError::NotFound) => Ok(false),
            Err(error) => Err(error),
            Ok(last) => Ok(last.info.status != Status::Uninstalled),
        }
    }

    /// Every revision of a release, oldest first.
    pub async fn history(&self, name: &str) -> Result<Vec<Record>, HelmError> {
        self.storage().history(name).await
    }

    /// A revision; the newest unless given, or where it is 0, which Helm takes for none.
    pub async fn revision(&self, name: &str, revision: Option<u32>) -> Result<Record, HelmError> {
        match revision {
            None | Some(0) => self.storage().last(name).await,
            Some(revision) => self.storage().get(name, revision).await,
        }
    }
}

impl Listing {
    /// Those of the records that are listed, whatever page they are on.
    fn of(&self, mut records: Vec<Record>) -> Result<Vec<Record>, HelmError> {
        if !self.filter.is_empty() {
            let names = records.iter().map(|record| record.name.as_str());
            let fits = regex::found_in(&self.filter, names, &mut Budget::new(Limits::default()));
            let mut fits = fits.map_err(|fault| HelmError::Name(fault.to_string()))?.into_iter();
            records.retain(|_| fits.next().unwrap_or_default());
        }
        if self.statuses != [Status::Superseded] {
            records = newest(records);
        }
        let statuses = if self.statuses.is_empty() { &USUAL[..] } else { &self.statuses };
        records.retain(|record| statuses.contains(&record.info.status));
        Ok(records)
    }

    /// The records in order, and of them those of the page.
    fn page(&self, mut records: Vec<Record>) -> Vec<Record> {
        records.sort_by(|one, two| one.name.cmp(&two.name));
        if self.by_date {
            // Helm's dates are whole seconds
            records.sort_by_key(|record| Timestamp::parse_rfc3339(&record.info.last_deployed).map(|at| at.0.div_euclid(1000)));
        }
        if self.reverse {
            records.reverse();
        }
        let most = if self.most == 0 { usize::MAX } else { self.most };
        records.into_iter().skip(self.offset).take(most).collect()
    }
}

fn newest(records: Vec<Record>) -> Vec<Record> {
    let mut newest: BTreeMap<(String, String), Record> = BTreeMap::new();
    for record in records {
        let key = (record.namespace.clone(), record.name.clone());
        if newest.get(&key).is_none_or(|known| known.revision <= record.revision) {
            newest.insert(key, record);
        }
    }
    newest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use penstock_chart::release::Info;

    use super::*;

    fn records() -> Vec<Record> {
        let record = |(name, revision, status, minute): (&str, u32, Status, u32)| Record {
            name: name.into(),
            namespace: "shop".into(),
            revision,
            info: Info { status, last_deployed: format!("2026-11-26T10:{minute:02}:00.5Z"), ..Info::default() },
            ..Record::default()
        };
        use Status::{Deployed, Failed, PendingUpgrade, Superseded, Uninstalled};
        [
            ("web", 1, Superseded, 1),
            ("web", 2, Deployed, 9),
            ("db", 1, Failed, 5),
            ("api", 1, Deployed, 7),
            ("old", 1, Uninstalled, 2),
            ("new", 1, Superseded, 3),
            ("new", 2, PendingUpgrade, 4),
        ]
        .map(record)
        .to_vec()
    }

    #[track_caller]
    fn check(listing: &Listing, wanted: &str) {
        let found = listing.of(records()).map(|found| listing.page(found));
        let shown = found.map(|found| found.iter().map(|one| format!("{}.{}", one.name, one.revision)).collect::<Vec<_>>().join(" "));
        assert_eq!(shown.unwrap_or_else(|error| error.to_string()), wanted);
    }

    #[test]
    fn the_newest_revisions_are_listed_by_name_or_by_date() {
        check(&Listing::default(), "api.1 db.1 web.2");
        check(&Listing { reverse: true, ..Listing::default() }, "web.2 db.1 api.1");
        check(&Listing { by_date: true, ..Listing::default() }, "db.1 api.1 web.2");
        check(&Listing { by_date: true, reverse: true, ..Listing::default() }, "web.2 api.1 db.1");
    }

    #[test]
    fn what_is_superseded_is_seen_only_where_nothing_else_is_asked_for() {
        let statuses = |statuses: &[Status]| Listing { statuses: statuses.to_vec(), ..Listing::default() };
        check(&statuses(&[Status::Superseded]), "new.1 web.1");
        check(&statuses(&[Status::Superseded, Status::Deployed]), "api.1 web.2");
        check(&statuses(&[Status::PendingUpgrade, Status::Uninstalled]), "new.2 old.1");
    }

    #[test]
    fn a_page_begins_where_one_says_and_a_name_fits_an_expression() {
        let page = |offset, most| Listing { offset, most, ..Listing::default() };
        check(&page(1, 1), "db.1");
        check(&page(2, 9), "web.2");
        check(&page(3, 0), "");
        let filter = |filter: &str| Listing { filter: filter.into(), ..Listing::default() };
        check(&filter("b$"), "db.1 web.2");
        check(&filter("^(?i)A"), "api.1");
        check(&filter("["), "error parsing regexp: missing closing ]: `[`");
    }
}
