//! Environments that jobs name: what was deployed to each, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use penstock_delivery::effects::carry_out;
use penstock_delivery::environments::{NamedEnvironment, Standing, stop};
use penstock_delivery::orders;
use penstock_delivery::wanted::{Effect, wanted};
use penstock_model::ids::Actor;
use penstock_model::job::StepOutcome;
use penstock_model::{Clock, RunId};
use penstock_testkit::FakeRunner;
use tokio_util::sync::CancellationToken;

use crate::house::{HOUR, House, oran, user};

const FILE: &str = "
deploy:
  script: [x]
  artifacts: {reports: {dotenv: deploy.env}}
  environment: {name: review/$CI_COMMIT_REF_SLUG, url: 'https://$ADDRESS/$CI_COMMIT_REF_NAME', on_stop: stop, auto_stop_in: $WAIT}
  variables: {WAIT: 2 hours}
stop:
  script: [x]
  when: manual
  environment: {name: review/$CI_COMMIT_REF_SLUG, action: stop}
look:
  script: [x]
  when: manual
  environment: {name: review/$CI_COMMIT_REF_SLUG, action: verify, auto_stop_in: 5 hours}
";

struct Place {
    house: House,
    /// Whether jobs fail.
    broken: Arc<AtomicBool>,
}

impl Place {
    async fn new() -> Self {
        let (mut house, broken) = (House::new().await, Arc::new(AtomicBool::new(false)));
        let fails = Arc::clone(&broken);
        let runner = FakeRunner::new(move |_, _| StepOutcome::exited(i32::from(fails.load(Ordering::Relaxed))));
        let runner = runner.leaving(|_, report| report.dotenv = [("ADDRESS".to_owned(), "r.example".to_owned())].into());
        Arc::get_mut(&mut house.parts).unwrap().runner = Arc::new(runner);
        Self { house, broken }
    }

    /// A push of a branch with this file, run as far as it goes by itself.
    async fn push(&self, file: &str) -> RunId {
        let house = &self.house;
        let commit = house.git.push(&oran().into(), "topic", &[(".gitlab-ci.yml", Some(file))], "ada", "change");
        let run = orders::pushed(&house.parts, &oran(), &user("ada"), "refs/heads/topic", &commit).await.unwrap().unwrap();
        self.go_on().await;
        run
    }

    /// Everything that is wanted of runs and of environments that jobs name.
    async fn go_on(&self) {
        let ours = |effect: &Effect| {
            matches!(effect, Effect::Plan { .. } | Effect::Job { .. } | Effect::FinishRun { .. } | Effect::StopEnvironment { .. })
        };
        for _ in 0..20 {
            for effect in self.house.wanted(ours) {
                carry_out(&self.house.parts, &effect, CancellationToken::new()).await.unwrap();
            }
        }
        assert_eq!(self.house.wanted(ours), [], "what is wanted comes to an end");
    }

    fn environment(&self) -> NamedEnvironment {
        self.house.world().projects[&oran()].environments["review/topic"].clone()
    }

    fn standing(&self) -> Standing {
        self.environment().standing(&self.house.world())
    }

    async fn stop(&self) -> Result<(), String> {
        stop(&self.house.parts, Actor::User(user("ada")), &oran(), "review/topic").await.map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn a_job_that_succeeds_deploys_to_its_environment() {
    let place = Place::new().await;
    place.broken.store(true, Ordering::Relaxed);
    place.push(FILE).await;
    assert!(place.house.world().projects[&oran()].environments.is_empty(), "what failed deployed nothing");
    place.broken.store(false, Ordering::Relaxed);
    let run = place.push(&format!("{FILE}# again\n")).await;
    let environment = place.environment();
    assert_eq!(environment.url.as_deref(), Some("https://r.example/topic"));
    assert_eq!((environment.tier.as_str(), &environment.on_stop[..]), ("development", &["stop".to_owned()][..]));
    let deployed = environment.deployed.unwrap();
    assert_eq!((deployed.run, deployed.job.as_str(), deployed.reference.as_str()), (run, "deploy", "refs/heads/topic"));
    assert_eq!(place.standing(), Standing::Available);
}

#[tokio::test]
async fn an_environment_is_stopped_by_its_job_when_its_time_is_over_or_somebody_says_so() {
    let place = Place::new().await;
    let run = place.push(FILE).await;
    assert_eq!(wanted(&place.house.world(), place.house.clock.now()).again, Some(place.house.clock.now().after(2 * HOUR)));
    place.house.clock.advance(2 * HOUR);
    place.go_on().await;
    assert_eq!(place.standing(), Standing::Stopped);
    assert_eq!(place.house.world().runs[&run].times[&"stop".parse().unwrap()].attempt, 1);
    assert_eq!(place.stop().await.unwrap_err(), "`review/topic` is stopped already");
    place.push(&format!("{FILE}# again\n")).await;
    assert_eq!(place.standing(), Standing::Available, "a new deployment starts it again");
    place.stop().await.unwrap();
    assert_eq!((place.standing(), place.environment().stops_at), (Standing::Stopping, None));
    assert_eq!(place.stop().await.unwrap_err(), "`review/topic` is being stopped");
    place.go_on().await;
    assert_eq!(place.standing(), Standing::Stopped);
}

#[tokio::test]
async fn a_job_that_fails_to_stop_its_environment_is_not_started_again_by_itself() {
    let place = Place::new().await;
    let run = place.push(FILE).await;
    place.broken.store(true, Ordering::Relaxed);
    place.house.clock.advance(3 * HOUR);
    place.go_on().await;
    let attempts = || place.house.world().runs[&run].times[&"stop".parse().unwrap()].attempt;
    assert_eq!((place.standing(), attempts()), (Standing::Available, 1));
    place.broken.store(false, Ordering::Relaxed);
    place.stop().await.unwrap();
    place.go_on().await;
    assert_eq!((place.standing(), attempts()), (Standing::Stopped, 2));
}

#[tokio::test]
async fn a_job_that_looks_at_an_environment_puts_its_end_off() {
    let place = Place::new().await;
    let run = place.push(FILE).await;
    let play = orders::RunOrder::Play("look".parse().unwrap());
    orders::order_run(&place.house.parts, &user("ada"), &run, play).await.unwrap();
    place.go_on().await;
    let environment = place.environment();
    assert_eq!(environment.stops_at, Some(place.house.clock.now().after(5 * HOUR)));
    assert_eq!(environment.deployed.unwrap().job.as_str(), "deploy", "and deploys nothing");
}

#[tokio::test]
async fn an_environment_without_a_job_for_it_is_just_said_to_be_stopped() {
    let place = Place::new().await;
    assert_eq!(place.stop().await.unwrap_err(), "there is no environment `review/topic` that jobs of `oran` have deployed to");
    place.push("deploy: {script: [x], environment: review/topic}\n").await;
    assert_eq!((place.environment().stops_at, place.standing()), (None, Standing::Available));
    place.stop().await.unwrap();
    assert_eq!(place.standing(), Standing::Stopped);
}

#[tokio::test]
async fn a_branch_that_is_deleted_takes_with_it_what_was_deployed_from_it_last() {
    let place = Place::new().await;
    let run = place.push(FILE).await;
    let (house, gone) = (&place.house, async |reference: &str| {
        orders::deleted(&place.house.parts, &oran(), Actor::User(user("ada")), reference).await.unwrap();
        place.go_on().await;
    });
    gone("refs/heads/other").await;
    assert_eq!(place.standing(), Standing::Available, "nothing was deployed from there");
    gone("refs/heads/topic").await;
    assert_eq!(place.standing(), Standing::Stopped);
    assert_eq!(house.world().runs[&run].times[&"stop".parse().unwrap()].attempt, 1, "by the job that its file names");
    assert!(!house.world().projects[&oran()].refs.contains_key("refs/heads/topic"));
    let position = house.world().position;
    gone("refs/heads/topic").await;
    assert_eq!(house.world().position, position, "it is gone once");
    // the same commit again is a new branch
    let commit = house.world().runs[&run].push.commit.clone();
    let again = orders::pushed(&house.parts, &oran(), &user("ada"), "refs/heads/topic", &commit).await.unwrap();
    assert!(again.is_some_and(|again| house.world().runs[&again].push.before.is_none()));
    place.go_on().await;
    assert_eq!(place.standing(), Standing::Available);
}

#[tokio::test]
async fn every_job_of_the_last_pipeline_that_deployed_names_one_that_stops() {
    let place = Place::new().await;
    let deploy = |name: &str| {
        format!(
            "{name}:\n  script: [x]\n  environment: {{name: review/topic, on_stop: stop {name}}}\nstop {name}:\n  script: [x]\n  when: manual\n  \
             environment: {{name: review/topic, action: stop}}\n"
        )
    };
    place.push(&[deploy("web"), deploy("database")].concat()).await;
    let run = place.push(&[deploy("web"), deploy("queue")].concat()).await;
    let mut stops = place.environment().on_stop;
    stops.sort();
    assert_eq!(stops, ["stop queue", "stop web"], "those of the pipeline before are not asked");
    place.stop().await.unwrap();
    assert_eq!(place.standing(), Standing::Stopping);
    place.go_on().await;
    let attempts = ["stop web", "stop queue"].map(|job| place.house.world().runs[&run].times[&job.parse().unwrap()].attempt);
    assert_eq!((place.standing(), attempts), (Standing::Stopped, [1, 1]));
}
