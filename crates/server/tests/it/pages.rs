//! What is promised of every page.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::browser::{Browser, Look};
use super::site::{Site, site};
use super::story::{self, RUNS};

const WIDE: Look = Look { width: 1280, dark: false };
const DARK: Look = Look { width: 1280, dark: true };
const NARROW: Look = Look { width: 360, dark: false };

/// Somebody who is logged in.
fn admin() -> (Browser, &'static Site) {
    let site = site();
    let browser = Browser::start();
    browser.open(&site.url("/healthz"));
    browser.carry(&site.url("/"), &site.story.admin);
    (browser, site)
}

/// Every page with its name, the login too.
fn pages(site: &Site) -> Vec<(&'static str, String)> {
    let known = site.story.pages.iter().map(|(name, path)| (*name, site.url(path)));
    known.chain([("login", site.url("/login?next=/runs"))]).collect()
}

fn axe() -> String {
    let tools = std::env::var_os("PENSTOCK_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/tools"), PathBuf::from);
    let path = tools.join("axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}\nhelp: `setup/setup.sh pages` installs axe-core there", path.display()))
}

/// What axe finds on the page that is open with everything unfolded: rule, and where. Only `rules`, unless that is empty.
fn violations(browser: &Browser, axe: &str, rules: &[&str]) -> Vec<String> {
    // hundreds of rows that are all alike say nothing new, and take axe minutes
    browser.script("document.querySelectorAll('details').forEach((one) => { one.open = one.querySelectorAll('tr').length < 100 })");
    browser.script(axe);
    let only = if rules.is_empty() { String::new() } else { format!("runOnly: {rules:?}, ") };
    let found = browser.script(&format!(
        "return axe.run(document, {{ {only}resultTypes: ['violations'] }}).then((found) => found.violations.map((one) =>
           `${{one.id}}: ${{one.help}}: ` + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200) + ' ' + node.failureSummary).join(' | ')))",
    ));
    found.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_page_has_a_violation_that_axe_knows_in_light_and_in_dark_wide_and_narrow() {
    let (browser, site) = admin();
    let axe = axe();
    let mut all = Vec::new();
    // what depends on the light or the width is looked at again
    let looks: [(Look, &[&str]); 3] = [
        (WIDE, &[]),
        (DARK, &["color-contrast", "link-in-text-block"]),
        (NARROW, &["color-contrast", "target-size", "scrollable-region-focusable"]),
    ];
    for (look, rules) in looks {
        browser.look(look);
        for (name, url) in pages(site) {
            browser.open(&url);
            all.extend(violations(&browser, &axe, rules).into_iter().map(|found| format!("{name} {look:?}: {found}")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn no_page_scrolls_sideways_at_360_pixels() {
    let (browser, site) = admin();
    browser.look(NARROW);
    for (name, url) in pages(site) {
        browser.open(&url);
        for open in [false, true] {
            browser.script(&format!("document.querySelectorAll('details').forEach((one) => {{ one.open ||= {open} }})"));
            let wide = browser.script(
                "const wide = document.documentElement.scrollWidth;
                 if (wide <= innerWidth) return null;
                 const over = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll, pre'));
                 return `${wide} pixels: ` + over.slice(0, 3).map((one) => one.outerHTML.slice(0, 160)).join(' | ')",
            );
            assert!(wide.is_null(), "{name}, unfolded: {open}: {wide}");
        }
    }
}

/// As the browser draws it: points of each line, against the boxes.
#[test]
fn no_line_of_the_job_graph_passes_behind_a_box() {
    let (browser, site) = admin();
    for name in ["run", "run-failed"] {
        browser.open(&site.page(name));
        let found = browser.script(
            "const boxes = [...document.querySelectorAll('.graph .node rect')].map((one) => one.getBBox());
             const lines = [...document.querySelectorAll('.graph .edge')];
             const inside = (one, at) => at.x > one.x + 1 && at.x < one.x + one.width - 1 && at.y > one.y + 1 && at.y < one.y + one.height - 1;
             const points = (line) => Array.from({ length: Math.ceil(line.getTotalLength()) }, (_, along) => line.getPointAtLength(along));
             const behind = lines.filter((line) => points(line).some((at) => boxes.some((one) => inside(one, at))));
             return [lines.length, behind.map((line) => line.getAttribute('d'))]",
        );
        assert!(found[0].as_u64().unwrap() > 10, "{name} has lines: {found}");
        assert_eq!(found[1], Value::Array(Vec::new()), "{name}");
    }
}

#[test]
fn what_failed_is_seen_at_once_among_three_hundred_jobs() {
    let (browser, site) = admin();
    browser.scripts(false);
    for look in [WIDE, NARROW] {
        browser.look(look);
        browser.open(&site.page("run-large"));
        let seen = browser.script(
            "const failed = [...document.querySelectorAll('.failed .rule')];
             return [failed.map((one) => one.innerText), failed.every((one) => one.getBoundingClientRect().bottom < innerHeight)]",
        );
        assert_eq!(seen[0], serde_json::json!(story::LARGE_FAILS));
        assert_eq!(seen[1], true, "{look:?}: they are on the first screen");
    }
    let drawn = browser.script("return [...document.querySelectorAll('.graph .node title')].map((one) => one.textContent)");
    let drawn: Vec<_> = drawn.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(drawn.len() < 12 && drawn.contains(&"199 × unit: success") && drawn.contains(&"unit 117/200: failed"), "{drawn:?}");
    assert!(text(&browser).contains("`LEVEL`") || text(&browser).contains("LEVEL"), "the file's doubts are told");
    assert_eq!(
        browser.script("return document.querySelectorAll('#table > .scroll tbody tr').length").as_u64(),
        Some(4),
        "what went well is a fold away"
    );
}

#[test]
fn a_long_log_is_shown_part_by_part_from_its_end() {
    let (browser, site) = admin();
    browser.scripts(false);
    browser.open(&site.page("job-long"));
    let ends = |browser: &Browser| {
        let log = browser.script("return document.getElementById('log').innerText").as_str().unwrap().trim().to_owned();
        let number = |line: &str| line.split(' ').nth(1).unwrap().parse::<u32>().unwrap();
        (number(log.lines().next().unwrap()), number(log.lines().last().unwrap()))
    };
    let (first, last) = ends(&browser);
    assert!(last == story::LINES && first > last / 2, "{first} to {last}");
    browser.press("nav.pages a[href$='from=0']");
    browser.wait_for("location.search === '?from=0'");
    let (begun, next) = ends(&browser);
    assert!(begun == 1 && next < story::LINES / 2, "{begun} to {next}");
    browser.press("nav.pages a:nth-of-type(1)");
    browser.wait_for("location.search !== '?from=0'");
    assert_eq!(ends(&browser).0, next + 1, "no line is lost between two parts");
}

#[test]
fn what_a_job_says_is_on_its_page_and_its_runs_and_nothing_of_it_is_markup_of_its_own() {
    let (browser, site) = admin();
    for name in ["run-failed", "job"] {
        browser.open(&site.page(name));
        let shown = text(&browser);
        for words in ["test_policies_differ_by_content", "tests/unit/test_policy.py:41", "Tests", "image: a badge"] {
            assert!(shown.contains(words), "{name} says {words}: {shown}");
        }
        let foreign = browser.script("return [document.querySelectorAll('main img, main script, main b').length, document.title]");
        assert_eq!((foreign[0].as_u64(), foreign[1].as_str().unwrap().contains("taken")), (Some(0), false), "{name}");
        assert_eq!(browser.script("return document.querySelector('.prose a').href"), "https://example.org/report", "{name}");
    }
}

#[test]
fn trends_are_told_in_words_too_and_what_is_flaky_is_named() {
    let (browser, site) = admin();
    browser.scripts(false);
    browser.open(&site.page("tests-failing"));
    let said = browser.script("return [...document.querySelectorAll('.charts svg')].map((one) => one.getAttribute('aria-label'))");
    let said: Vec<_> = said.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(said.len(), 4);
    assert!(said[0].starts_with("Tests over 30 runs: ") && said[0].ends_with(" now"), "{said:?}");
    assert!(said[3].starts_with("Coverage over 30 runs: ") && said[3].ends_with("% now"), "{said:?}");
    let shown = text(&browser);
    for words in
        ["test_order_under_load", "Failing in the last run", "test_policies_differ_by_content", "test_period_is_read_from_its_own_field"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn every_page_is_readable_and_can_be_used_without_script() {
    let (browser, site) = admin();
    browser.scripts(false);
    for (name, url) in pages(site) {
        browser.open(&url);
        let read = browser
            .script("return [document.querySelector('h1')?.innerText, document.querySelector('main').innerText.length, document.title]");
        assert!(read[0].as_str().is_some_and(|title| !title.is_empty()), "{name} has a title");
        assert!(read[1].as_u64().unwrap() > 60, "{name} says something: {read}");
        assert!(read[2].as_str().unwrap().ends_with("· Penstock"), "{name}");
    }
    browser.open(&site.page("job"));
    assert!(text(&browser).contains("AssertionError"), "a log is there without script");
    browser.open(&site.page("rollout"));
    browser.script("document.querySelector('details.confirm summary').click()");
    let asks = browser.script("return document.querySelector('details.confirm[open] form button').innerText");
    assert_eq!(asks, "Roll back", "what cannot be undone asks once more, without script too");
}

fn text(browser: &Browser) -> String {
    browser.script("return document.body.innerText").as_str().unwrap().to_owned()
}

#[test]
fn every_button_is_reached_by_the_keyboard_and_seen_to_be() {
    let (browser, site) = admin();
    browser.look(WIDE);
    // what other tests do would bring fresh elements under the eyes of this one
    browser.block("*/api/v1/live");
    for name in ["rollout", "run", "release-waiting", "release-refused", "login"] {
        browser.open(&pages(site).into_iter().find(|(page, _)| *page == name).unwrap().1);
        browser.script("document.querySelectorAll('details').forEach((one) => { one.open = true }); document.activeElement?.blur(); window.missing = new Set(document.querySelectorAll('button, summary, main a'))");
        let count = browser.script("return document.querySelectorAll('a, button, summary, input, [tabindex]').length").as_u64().unwrap();
        // what scrolls is a stop too
        for _ in 0..2 * count {
            browser.tab();
            let seen = browser.script(
                "const one = document.activeElement; window.missing.delete(one);
                 if (one === document.body || one instanceof SVGElement) return true;
                 const style = getComputedStyle(one); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2",
            );
            assert_eq!(seen, true, "{name}: {}", browser.script("return document.activeElement.outerHTML.slice(0, 200)"));
            if browser.script("return window.missing.size") == 0 {
                break;
            }
        }
        let missing = browser.script("return [...window.missing].map((one) => one.outerHTML.slice(0, 120))");
        assert_eq!(missing, Value::Array(Vec::new()), "{name}: these are not reached");
    }
}

#[test]
fn a_person_logs_in_by_the_form_and_comes_to_where_they_wanted() {
    let site = site();
    let browser = Browser::start();
    browser.open(&site.url("/projects/oran"));
    browser.wait_for("location.pathname === '/login'");
    let enter = |token: &str| {
        browser
            .script(&format!("document.getElementById('token').value = '{token}'; document.querySelector('form.login').requestSubmit()"));
    };
    enter("wrong");
    browser.wait_for("document.querySelector('[role=alert]')");
    enter(&site.story.admin);
    browser.wait_for("location.pathname === '/projects/oran' && document.querySelector('h1').innerText === 'oran'");
    browser.script("document.querySelector('.who button').click()");
    browser.wait_for("location.pathname === '/login'");
}

#[test]
fn who_may_only_look_sees_no_button_and_is_told_why_an_order_is_refused() {
    let site = site();
    let browser = Browser::start();
    browser.open(&site.url("/healthz"));
    browser.carry(&site.url("/"), &site.story.reader);
    for name in ["rollout", "run", "run-failed", "job", "release-waiting", "release-refused", "named-environments", "named-environment"] {
        browser.open(&site.page(name));
        assert_eq!(browser.script("return document.querySelectorAll('main button').length"), 0, "{name}");
    }
    browser.open(&site.page("rollout"));
    browser.script("const form = document.createElement('form'); form.method = 'post'; form.action = location.pathname + '/rollback'; document.body.append(form); form.submit()");
    browser.wait_for("document.querySelector('h1').innerText === 'Not allowed'");
    assert!(text(&browser).contains("rita"), "{}", text(&browser));
    assert_eq!(violations(&browser, &axe(), &[]), Vec::<String>::new());
}

/// Presses real buttons: a browser decides for itself what it says about where a form was.
#[test]
fn buttons_do_what_they_say() {
    let site = site();
    let browser = Browser::start();
    browser.open(&site.url("/healthz"));
    browser.carry(&site.url("/"), &site.story.approver);
    browser.open(&site.page("release-pressed"));
    browser.press("form[action$='/approve'] button");
    browser.wait_for("document.querySelector('main')?.innerText.includes('Approved by linus')");
    browser.open(&site.page("run-pressed"));
    browser.press("details.confirm > summary");
    browser.press("form[action$='/cancel'] button");
    browser.wait_for("document.querySelector('.lead')?.innerText.includes('canceled')");
    browser.open(&site.page("merge-request-outside"));
    browser.press("form[action$='/allow'] button");
    browser.wait_for("[...document.querySelectorAll('dt')].some((one) => one.innerText === 'Allowed')");
    browser.press("details.confirm > summary");
    browser.press("form[action$='/close'] button");
    browser.wait_for("document.querySelector('main').innerText.includes('closed')");
    browser.open(&site.page("named-environment"));
    browser.press("details.confirm > summary");
    browser.press("form[action$='/stop'] button");
    browser.wait_for("document.querySelector('.lead')?.innerText.includes('stopping')");
}

#[test]
fn environments_of_jobs_are_listed_with_what_was_deployed_to_each() {
    let (browser, site) = admin();
    browser.scripts(false);
    browser.open(&site.url("/projects/tariff"));
    assert!(text(&browser).contains("Environments of jobs"));
    browser.open(&site.page("named-environments"));
    for words in ["review/day", "development", "https://day.tariff.example.org/", "1 stopped"] {
        assert!(text(&browser).contains(words), "{words}: {}", text(&browser));
    }
    browser.open(&site.url("/projects/tariff/named-environments/review%2Fold"));
    assert!(text(&browser).contains("stopped") && text(&browser).contains("old"), "{}", text(&browser));
    assert_eq!(browser.script("return document.querySelectorAll('main button').length"), 0, "it is stopped already");
}

#[test]
fn a_page_shows_what_happens_while_one_looks() {
    let (browser, site) = admin();
    browser.open(&site.url("/runs"));
    browser.wait_for(
        "performance.getEntriesByType('resource').some((one) => one.name.endsWith('/live')) || document.readyState === 'complete'",
    );
    let house = site.house.clone();
    let (told, title) = std::sync::mpsc::channel();
    site.runtime.spawn(async move { told.send(story::another_push(&house).await).unwrap() });
    let title = title.recv().unwrap();
    browser.wait_for(&format!("document.querySelector('main').innerText.includes('{title}')"));
}

/// A browser opens six connections to one server; a page that is left must give its own back.
#[test]
fn page_after_page_can_be_opened_while_nothing_happens() {
    let (browser, site) = admin();
    for page in ["runs", "run"].repeat(5) {
        browser.open(&site.page(page));
        browser.wait_for("document.querySelector('.who') && document.readyState === 'complete'");
    }
    browser.script("history.back()");
    browser.wait_for("document.querySelector('h1')?.innerText === 'Runs'");
}

/// The figure is printed, not asserted tightly: other tests use the processor too.
#[test]
fn the_server_answers_every_page_in_a_moment_with_a_thousand_runs() {
    let site = site();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    super::net::enter();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let runs = site.house.parts.journal.world().runs.len();
    assert!(runs as u64 > RUNS);
    println!("pages with {runs} runs, the best of 5:");
    for (name, url) in pages(site) {
        let once = || {
            let begun = Instant::now();
            let length = runtime.block_on(async {
                let answer = client.get(&url).bearer_auth(&site.story.admin).send().await.unwrap();
                answer.bytes().await.unwrap().len()
            });
            (begun.elapsed(), length)
        };
        let (took, length) = (0..5).map(|_| once()).min().unwrap();
        println!("  {name:18} {:7.1} ms {:7} bytes", took.as_secs_f64() * 1e3, length);
        assert!(took < Duration::from_secs(1), "{name} took {took:?}");
    }
}

/// Pictures of the pages, in the directory that `PENSTOCK_PICTURES` names: those of the documents, or all of them if the
/// directory has a file `all`.
#[test]
fn pictures_are_taken_where_they_are_asked_for() {
    let Some(directory) = std::env::var_os("PENSTOCK_PICTURES").map(PathBuf::from) else { return };
    let (browser, site) = admin();
    let all = directory.join("all").exists();
    for (name, url) in pages(site) {
        let shown = ["overview", "run", "rollout", "release-waiting"].contains(&name);
        let looks: &[(&str, Look)] =
            if all { &[("light", WIDE), ("dark", DARK), ("narrow", NARROW)] } else { &[("light", WIDE), ("dark", DARK)] };
        for (word, look) in looks.iter().filter(|_| all || shown) {
            browser.look(*look);
            browser.open(&url);
            let picture = browser.picture(*look, if all { 2_400 } else { 860 });
            std::fs::write(directory.join(format!("{name}-{word}.png")), picture).unwrap();
        }
    }
}
