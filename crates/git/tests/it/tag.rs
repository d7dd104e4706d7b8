use penstock_model::Timestamp;
use penstock_model::git::{GitHost, NewTag};

use crate::fixture::{fixture, git};

#[tokio::test]
async fn a_tag_is_made_where_there_is_none_and_stays_as_it_is() {
    let it = fixture().await;
    let first = it.commit(&[("a", Some("1"))]).await;
    let second = it.commit(&[("a", Some("2"))]).await;
    let tag = |name: &str, message: Option<&str>| NewTag {
        name: name.to_owned(),
        commit: first.clone(),
        message: message.map(str::to_owned),
        by: "ada".parse().unwrap(),
        at: Timestamp(1_700_000_000_000),
    };
    for (name, message, kind) in [("v1", None, "commit"), ("rel/v2", Some("of two lines\n\nso"), "tag")] {
        assert!(it.host.create_tag(&it.name, &tag(name, message)).await.unwrap(), "{name}");
        let reference = format!("refs/tags/{name}");
        assert_eq!(it.host.resolve(&it.name, &reference).await.unwrap().as_ref(), Some(&first), "{name}");
        assert_eq!(git(&it.bare(), &["cat-file", "-t", &reference]), kind);
        let who = it.host.mover(&it.name, &reference, &first).await.unwrap();
        assert_eq!(who.map(|who| who.to_string()).as_deref(), Some("ada"), "a server that finds it later knows whose it is");
        let moved = NewTag { commit: second.clone(), ..tag(name, None) };
        assert!(!it.host.create_tag(&it.name, &moved).await.unwrap());
        assert_eq!(it.host.resolve(&it.name, &reference).await.unwrap().as_ref(), Some(&first));
    }
    assert_eq!(git(&it.bare(), &["tag", "--list", "--format=%(contents)", "rel/v2"]).trim(), "of two lines\n\nso");
    git(&it.bare(), &["fsck", "--strict"]);
    for bad in ["-d", "a..b", "", "x y", "a.lock"] {
        assert!(it.host.create_tag(&it.name, &tag(bad, None)).await.is_err(), "{bad}");
    }
    let absent = NewTag { commit: "1".repeat(40).parse().unwrap(), ..tag("v3", None) };
    assert!(it.host.create_tag(&it.name, &absent).await.is_err(), "of what is not there");
}
