//! Tests over runs.

use penstock_api::{ProjectSummary, TestPoint, TestsView};
use penstock_model::{ProjectName, counted};

use url::form_urlencoded::byte_serialize;

use crate::args::{Tests, TestsOf};
use crate::context::Context;
use crate::terminal::{bold, dim, green, plain, red, span, table, yellow};
use crate::{CliError, exit};

pub(super) async fn tests(context: &Context, args: &Tests) -> Result<u8, CliError> {
    let project = project(context, args.project.as_ref()).await?;
    let branch =
        args.branch.as_ref().map(|branch| format!("&branch={}", byte_serialize(branch.as_bytes()).collect::<String>())).unwrap_or_default();
    let view: TestsView = context.client()?.get(&format!("/projects/{project}/tests?limit={}{branch}", args.limit)).await?;
    context.show(&view, |view| print(view, args.what));
    Ok(exit::OK)
}

/// The project that is meant: without a name, the only one.
async fn project(context: &Context, named: Option<&ProjectName>) -> Result<ProjectName, CliError> {
    if let Some(name) = named {
        return Ok(name.clone());
    }
    let projects: Vec<ProjectSummary> = context.client()?.get("/projects").await?;
    match projects.as_slice() {
        [only] => Ok(only.name.clone()),
        [] => Err(CliError::other("there is no project", "`penstock project create` makes one", exit::ABSENT)),
        several => {
            let names: Vec<_> = several.iter().map(|project| project.name.as_str()).collect();
            Err(CliError::other("there are several projects", format!("say `--project NAME`: {}", names.join(", ")), exit::USAGE))
        }
    }
}

fn print(view: &TestsView, what: Option<TestsOf>) {
    let wants = |part: TestsOf| what.is_none_or(|what| what == part);
    if wants(TestsOf::Trend) {
        println!("{} {} {}", bold("trend"), view.project, plain(&view.reference));
        print_trend(&view.runs);
    }
    if wants(TestsOf::Failing) {
        println!("{} {}", bold("failing"), counted(view.failing.len(), "test"));
        let rows = view
            .failing
            .iter()
            .map(|test| vec![red(&plain(&test.test)), plain(test.job.as_str()), if test.flaky { yellow("flaky") } else { String::new() }]);
        print_table(&["TEST", "JOB", "KNOWN AS"], rows.collect());
    }
    if wants(TestsOf::Flaky) {
        println!("{} {}", bold("flaky"), counted(view.flaky.len(), "test"));
        let rows = view.flaky.iter().map(|test| {
            let last = test.last.rfc3339();
            vec![plain(&test.test), plain(test.job.as_str()), test.times.to_string(), last[..10].to_owned(), test.run.to_string()]
        });
        print_table(&["TEST", "JOB", "SEEN", "LAST", "RUN"], rows.collect());
    }
    if wants(TestsOf::Slowest) {
        println!("{}", bold("slowest"));
        let rows = view.slowest.iter().map(|test| vec![plain(&test.test), plain(test.job.as_str()), span(test.millis)]);
        print_table(&["TEST", "JOB", "TOOK"], rows.collect());
    }
}

fn print_table(headings: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        println!("{}", dim("none"));
    } else {
        table(headings, &rows);
    }
    println!();
}

fn print_trend(runs: &[TestPoint]) {
    let most = runs.iter().map(TestPoint::count).max().unwrap_or(0);
    let rows = runs.iter().rev().map(|run| {
        vec![
            run.run.to_string(),
            run.commit.short().to_owned(),
            run.count().to_string(),
            if run.failed > 0 { red(&run.failed.to_string()) } else { green("0") },
            span(run.millis),
            run.coverage.map(|coverage| format!("{coverage:.2} %")).unwrap_or_default(),
            bar(run.count(), most),
        ]
    });
    print_table(&["RUN", "COMMIT", "TESTS", "FAILED", "TIME", "COVERAGE", ""], rows.collect());
}

/// A number as a bar of at most twenty marks.
fn bar(number: u64, most: u64) -> String {
    let marks = number.saturating_mul(20).checked_div(most).unwrap_or(0);
    "▇".repeat(usize::try_from(marks).unwrap_or(20))
}
