use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use penstock_model::secret::{SecretError, SecretStore};
use penstock_model::{ProjectName, Secret};
use penstock_store::SealedSecrets;

fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_secret_comes_back_and_is_nowhere_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (root, key) = (dir.path().join("secrets"), dir.path().join("secrets.key"));
    let store = SealedSecrets::open(&root, &key).unwrap();
    let oran = project("oran");
    store.set(&oran, "slack-webhook", &Secret::new("hunter2hunter2")).await.unwrap();
    store.set(&oran, "TOKEN", &Secret::new("old")).await.unwrap();
    store.set(&oran, "TOKEN", &Secret::new("new")).await.unwrap();
    let store = SealedSecrets::open(&root, &key).unwrap();
    assert_eq!(store.get(&oran, "slack-webhook").await.unwrap(), Some(Secret::new("hunter2hunter2")));
    assert_eq!(store.get(&oran, "TOKEN").await.unwrap(), Some(Secret::new("new")));
    assert_eq!(store.get(&project("other"), "TOKEN").await.unwrap(), None);
    assert_eq!(store.names(&oran).await.unwrap(), ["TOKEN", "slack-webhook"]);
    let kept = fs::read(root.join("oran/slack-webhook")).unwrap();
    assert!(!kept.windows(7).any(|w| w == b"hunter2"));
    for path in [key, root.join("oran/slack-webhook")] {
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "{path:?}");
    }
    store.remove(&oran, "TOKEN").await.unwrap();
    store.remove(&oran, "TOKEN").await.unwrap();
    assert_eq!(store.names(&oran).await.unwrap(), ["slack-webhook"]);
}

#[tokio::test]
async fn a_sealed_value_that_was_moved_changed_or_sealed_by_another_key_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let (root, key) = (dir.path().join("secrets"), dir.path().join("key"));
    let store = SealedSecrets::open(&root, &key).unwrap();
    let oran = project("oran");
    store.set(&oran, "A", &Secret::new("value")).await.unwrap();
    fs::copy(root.join("oran/A"), root.join("oran/B")).unwrap();
    assert!(matches!(store.get(&oran, "B").await, Err(SecretError::Unreadable { .. })));
    let mut bytes = fs::read(root.join("oran/A")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(root.join("oran/B"), &bytes[..10]).unwrap();
    assert!(matches!(store.get(&oran, "B").await, Err(SecretError::Unreadable { .. })));
    let other = SealedSecrets::open(&root, &dir.path().join("other")).unwrap();
    assert!(matches!(other.get(&oran, "A").await, Err(SecretError::Unreadable { .. })));
    fs::write(root.join("oran/A"), bytes).unwrap();
    assert!(matches!(store.get(&oran, "A").await, Err(SecretError::Unreadable { .. })));
}

#[tokio::test]
async fn a_key_that_others_may_read_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    drop(SealedSecrets::open(dir.path(), &key).unwrap());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = SealedSecrets::open(dir.path(), &key).err().unwrap();
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
}

#[tokio::test]
async fn names_and_values_of_another_form_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = SealedSecrets::open(dir.path(), &dir.path().join("key")).unwrap();
    for name in ["", "../x", "a/b", "a.b", &"a".repeat(129)] {
        assert!(matches!(store.set(&project("oran"), name, &Secret::new("x")).await, Err(SecretError::Invalid { .. })), "{name}");
    }
    for value in [String::new(), "x".repeat(65537)] {
        assert!(store.set(&project("oran"), "A", &Secret::new(value)).await.is_err());
    }
}
