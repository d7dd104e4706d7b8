//! Charts that the server itself renders.

use penstock_api::{Explanation, Verification};
use penstock_testkit::eventually;

use super::interrupted::{LASTING, worked, works_for_a_second};
use crate::shop::{Repository, Shop};

/// Makes a chart of staging, with one more template. Gives the config repository.
async fn chart_of(shop: &Shop, name: &str, template: &str) -> Repository {
    let config = Repository::new(&shop.house, &format!("{name}-config"), &shop.house.admin()).await;
    let files = std::fs::read_dir(config.folder.join("staging")).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    let [manifests] = files.as_slice() else { panic!("{files:?}") };
    let text = std::fs::read_to_string(manifests).unwrap();
    let [namespace, workload, service] = text.split("---\n").collect::<Vec<_>>()[..] else { panic!("{text}") };
    config.write("staging/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    config.write("staging/values.yaml", &format!("image: {{repository: {name}/web, digest: ''}}\n"));
    let image = "image: {{ .Values.image.repository }}@{{ .Values.image.digest }}";
    config.write("staging/templates/workload.yaml", &workload.replace(&format!("image: {name}/web"), image));
    config.write("staging/templates/service.yaml", &format!("{namespace}---\n{service}"));
    config.write("staging/templates/more.yaml", template);
    std::fs::remove_file(manifests).unwrap();
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_gives_up_what_it_renders_and_the_next_one_delivers() {
    let mut shop = Shop::open("slow", false).await;
    let config = chart_of(&shop, "slow", LASTING).await;
    config.commit("Render for a long time").await;
    config.push().await.unwrap();
    shop.version("1", "200 Fine").await;
    shop.source.push().await.unwrap();
    let release = shop.release().await;
    let server = shop.house.process();
    works_for_a_second(server, worked(server)).await;
    shop.house.stop().await;
    let log = shop.house.log();
    assert!(log.contains("draining") && !log.contains("did not end in time"), "{log}");
    shop.house.start().await;
    let stands = shop.stands(&release, "staging").await;
    assert_eq!((stands.step.as_str(), &stands.commit), ("at_gate", &None), "nothing came of it");
    config.write("staging/templates/more.yaml", "a: 1\nb: {{ .Values.image.name.short }}\n");
    config.commit("Render what is not there").await;
    config.push().await.unwrap();
    eventually("the release says where its chart does not render", || async {
        let trouble = shop.stands(&release, "staging").await.trouble;
        trouble.filter(|why| why.contains("web/templates/more.yaml:2:")).ok_or("nothing of the kind")
    })
    .await;
    let told: Explanation = shop.house.admin().client.get(&format!("/explain/{release}")).await.unwrap();
    assert!(told.reasons.iter().any(|reason| reason.topic == "staging: fails" && reason.text.contains("more.yaml:2:")), "{told:?}");
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, says) in [(format!("releases/{release}"), "It fails."), ("projects/slow/environments/staging".to_owned(), "Not in step.")] {
        let page =
            browser.get(format!("{}/{path}", shop.house.url)).bearer_auth(&shop.ada.token).send().await.unwrap().text().await.unwrap();
        assert!(page.contains(says) && page.contains("more.yaml:2:"), "{page}");
    }
    config.write("staging/templates/more.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n");
    config.commit("Have an account").await;
    config.push().await.unwrap();
    eventually("what this machine does not run is told before its config commit", || async {
        let stands = shop.stands(&release, "staging").await;
        let told = stands
            .trouble
            .as_ref()
            .is_some_and(|why| why.starts_with("web/templates/more.yaml (rendered):") && why.contains("ServiceAccount"));
        if told && stands.commit.is_none() { Ok(()) } else { Err(stands) }
    })
    .await;
    config.write("staging/templates/more.yaml", "");
    config.commit("Render at once").await;
    config.push().await.unwrap();
    shop.event("release.delivered", "staging").await;
    let verified: Verification = shop.house.admin().client.get("/verify").await.unwrap();
    assert_eq!(verified.problems, Vec::<String>::new());
    shop.house.stop().await;
}
