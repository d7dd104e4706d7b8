//! Policies over evidence, approvals, freeze windows and promotion: may this release go to that environment?
//!
//! [`evaluate`] is a pure function of a policy, the verified statements and the time, all handed in. What is not
//! allowed in so many words is denied: an undefined `allow`, a policy that does not compile, an error or a limit. The
//! rules of `penstock.yaml` (order of environments, approvals, freeze windows) hold whatever the policy says.
//!
//! Never here: a clock, a file, a process, the network, or an unverified statement. Policies are evaluated without
//! the builtins that would know the time, the network or chance; the time is `input.now`.

mod approval;
mod break_glass;
mod config;
mod decision;
mod input;
mod policy;
mod promotion;
mod units;

pub use approval::{Approval, Author, Authors, Identity, MayNot, Tally, Wanted, may_approve, tally};
pub use break_glass::{BreakGlass, same_person};
pub use config::{
    ApprovalRule, Check, CheckKind, ConfigError, DeliveryConfig, EmailTarget, Environment, FreezeWindow, Notification, SlackTarget,
};
pub use decision::{Decision, Denial, evaluate};
pub use input::{GateInput, MAX_EVIDENCE, relevant};
pub use policy::{PolicyError, PolicySet};
pub use units::{Moment, Span};
