//! Tag releases.

use std::cmp::Reverse;

use penstock_api::TagReleaseView;
use penstock_delivery::ProjectRecord;
use penstock_delivery::tag_releases::TagReleaseRecord;

/// All tag releases of a project, the newest first.
pub fn tag_releases(project: &ProjectRecord) -> Vec<TagReleaseView> {
    let view = |record: &TagReleaseRecord| TagReleaseView {
        release: record.release.clone(),
        commit: record.commit.clone(),
        run: record.by.run.clone(),
        job: record.by.job.clone(),
        by: record.who.clone(),
        made: record.at,
    };
    let mut views: Vec<_> = project.tag_releases.values().map(view).collect();
    views.sort_by_key(|view| Reverse(view.made));
    views
}
