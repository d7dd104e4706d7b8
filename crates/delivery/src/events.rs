//! The spine's own events. Each stream has one kind of them; runs, rollouts and applications are the features' own.

use std::collections::BTreeMap;

use penstock_model::Digest;
use penstock_model::release::ImageName;

/// Gives an enum tagged by `event` its type name and version, which is 1 unless one is given.
macro_rules! domain {
    (@version) => { 1 };
    (@version $version:literal) => { $version };
    ($type:ty, $prefix:literal, { $($pattern:pat => $name:literal $(version $version:literal)?),+ $(,)? }) => {
        impl DomainEvent for $type {
            fn event_type(&self) -> EventType {
                let (name, version) = match self { $($pattern => (concat!($prefix, ".", $name), domain!(@version $($version)?))),+ };
                EventType { name: name.to_owned(), version }
            }
        }
    };
}

mod people;
mod project;
mod release;
mod work;

pub use people::{Handling, NoticeEvent, Role, SettingEvent, UserEvent};
pub use project::{PipelineOrder, ProjectEvent, ScheduledTime};
pub use release::{Approval, CheckResult, GlassAsk, ReleaseEvent};
pub use work::{EvidenceEvent, WorkEvent};

/// Images of a run by name.
pub type Images = BTreeMap<ImageName, Digest>;
