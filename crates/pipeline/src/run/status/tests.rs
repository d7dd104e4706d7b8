use super::*;

/// One letter a job: c(reated) w(aiting for a resource) P(reparing) C(allback) p(ending) r(unning) s(uccess) f(ailed) x (cancelling)
/// X (cancelled) k (skipped) m(anual) d(elayed); with `!` after it, it may fail.
fn statuses(jobs: &str) -> Statuses {
    let mut statuses = Statuses::default();
    let letters: Vec<char> = jobs.chars().collect();
    for (at, letter) in letters.iter().enumerate().filter(|(_, letter)| **letter != '!') {
        let status = match letter {
            'c' => Status::Created,
            'w' => Status::WaitingForResource,
            'P' => Status::Preparing,
            'C' => Status::WaitingForCallback,
            'p' => Status::Pending,
            'r' => Status::Running,
            's' => Status::Success,
            'f' => Status::Failed,
            'x' => Status::Canceling,
            'X' => Status::Canceled,
            'k' => Status::Skipped,
            'm' => Status::Manual,
            'd' => Status::Scheduled,
            other => panic!("{other} is no status"),
        };
        statuses.add(status, letters.get(at + 1) == Some(&'!'));
    }
    statuses
}

#[track_caller]
fn check(jobs: &str, dag: bool, expected: Status) {
    assert_eq!(statuses(jobs).composite(dag), expected, "{jobs}");
}

#[test]
fn jobs_compose_as_gitlab_says() {
    for (jobs, expected) in [
        ("", Status::Success),
        ("ss", Status::Success),
        ("sf!", Status::Success),
        ("sX!", Status::Success),
        ("sk", Status::Success),
        ("sm!", Status::Success),
        ("f!", Status::Success),
        ("k", Status::Skipped),
        ("m!", Status::Skipped),
        ("km!", Status::Skipped),
        ("c", Status::Created),
        ("cf!m!", Status::Created),
        ("P", Status::Preparing),
        ("Pf!", Status::Preparing),
        ("sX", Status::Canceled),
        ("kX", Status::Canceled),
        ("p", Status::Pending),
        ("pck", Status::Pending),
        ("pf!", Status::Pending),
        ("ps", Status::Running),
        ("r", Status::Running),
        ("rx", Status::Running),
        ("fp", Status::Running),
        ("w", Status::WaitingForResource),
        ("wC", Status::WaitingForResource),
        ("wp", Status::Running),
        ("C", Status::WaitingForCallback),
        ("mC", Status::WaitingForCallback),
        ("m", Status::Manual),
        ("md", Status::Manual),
        ("fm", Status::Manual),
        ("Xm", Status::Manual),
        ("d", Status::Scheduled),
        ("cd", Status::Scheduled),
        ("fP", Status::Preparing),
        ("sc", Status::Running),
        ("xc", Status::Running),
        ("x", Status::Canceling),
        ("xs", Status::Canceling),
        ("sf", Status::Failed),
        ("fX", Status::Failed),
        ("fk", Status::Failed),
    ] {
        check(jobs, false, expected);
    }
}

#[test]
fn what_a_job_needs_is_skipped_as_soon_as_one_of_it_does_not_run() {
    for (jobs, expected) in [
        ("", Status::Success),
        ("ss", Status::Success),
        ("sk", Status::Skipped),
        ("rk", Status::Skipped),
        ("fk", Status::Skipped),
        ("sm!", Status::Skipped),
        ("sm", Status::Manual),
        ("sf", Status::Failed),
        ("sf!", Status::Success),
        ("sr", Status::Running),
        ("fc", Status::Running),
        ("sX", Status::Canceled),
    ] {
        check(jobs, true, expected);
    }
}

#[test]
fn one_job_stands_as_all_of_it_and_twice_the_same_is_once() {
    for status in Status::ALL {
        let mut one = Statuses::default();
        one.add(status, false);
        assert_eq!(one.composite(false), status);
        let once = one;
        one.add(status, false);
        assert_eq!(one, once);
        assert_eq!(serde_json::to_value(status).unwrap(), status.word());
    }
}

#[test]
fn a_pipeline_that_has_begun_is_running_and_keeps_its_status_while_its_jobs_are_asked_anew() {
    for (now, composite, pipeline, stage) in [
        (Status::Created, Status::Pending, Status::Pending, Status::Pending),
        (Status::Skipped, Status::Pending, Status::Pending, Status::Pending),
        (Status::Manual, Status::Pending, Status::Pending, Status::Pending),
        (Status::Failed, Status::Pending, Status::Running, Status::Pending),
        (Status::Running, Status::Pending, Status::Running, Status::Pending),
        (Status::Skipped, Status::Created, Status::Skipped, Status::Skipped),
        (Status::Canceled, Status::Canceling, Status::Canceled, Status::Canceled),
        (Status::Running, Status::Success, Status::Success, Status::Success),
    ] {
        assert_eq!((of_pipeline(now, composite), of_stage(now, composite)), (pipeline, stage), "{now:?} {composite:?}");
    }
}
