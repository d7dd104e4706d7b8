//! The example's own configuration.

use penstock_gate::{CheckKind, DeliveryConfig, Notification};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../../examples/oran-config/penstock.yaml");

#[test]
fn the_examples_configuration_is_read() {
    let config = DeliveryConfig::parse("penstock.yaml", EXAMPLE).unwrap();
    let [staging, production] = &config.environments[..] else { panic!("two environments") };
    assert_eq!(production.after.as_ref(), Some(&staging.name));
    assert!(matches!(staging.checks[0].kind(), CheckKind::Command { junit: Some("junit.xml"), .. }));
    assert!(matches!(config.notifications[0], Notification::Slack(_)));
}

proptest! {
    #[test]
    fn damaged_configuration_never_panics(at in 0_usize..2_000, length in 0_usize..30, with in "[a-z:{}\\[\\] \n\"&*!|>-]{0,8}") {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        let at = at % bytes.len();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, with.into_bytes());
        let _ = DeliveryConfig::parse("penstock.yaml", &String::from_utf8_lossy(&bytes));
    }
}
