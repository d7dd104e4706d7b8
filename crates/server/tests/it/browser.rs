//! Chromium, told what to do by way of its driver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How long anything is waited for.
const LIMIT: Duration = Duration::from_secs(30);
/// How often a condition on a page is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// A browser with one window; gone with this value.
pub struct Browser {
    driver: Child,
    session: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// How wide, and in which light.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub width: u32,
    pub dark: bool,
}

impl Browser {
    /// Starts one.
    pub fn start() -> Self {
        super::net::enter();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver cannot be started: {error}\nhelp: `setup/setup.sh pages` installs it"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port: u16 = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok())
            .expect("chromedriver says on which port it listens");
        // whoever does not read blocks it
        std::thread::spawn(move || lines.for_each(drop));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}"), http, runtime };
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"];
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": { "args": arguments } });
        let answer = browser.ask("/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = format!("{}/session/{}", browser.session, answer["sessionId"].as_str().unwrap());
        browser
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let answer: Value = self.runtime.block_on(async {
            let answer = self.http.post(format!("{}{path}", self.session)).timeout(LIMIT).json(body).send().await;
            let answer = answer.unwrap_or_else(|error| panic!("{path} {body}: {error:?}"));
            answer.json().await.unwrap()
        });
        assert!(answer["value"]["error"].is_null(), "{path} {body}: {answer}");
        answer["value"].clone()
    }

    /// A command of Chromium's own.
    pub fn command(&self, name: &str, parameters: Value) -> Value {
        self.ask("/goog/cdp/execute", &json!({ "cmd": name, "params": parameters }))
    }

    /// Logs in without the form.
    pub fn carry(&self, url: &str, token: &str) {
        self.command("Network.setCookie", json!({ "name": "penstock", "value": token, "url": url }));
    }

    /// Opens a page.
    pub fn open(&self, url: &str) {
        self.ask("/url", &json!({ "url": url }));
    }

    /// Runs a script in the page; what it returns is waited for.
    pub fn script(&self, text: &str) -> Value {
        self.ask("/execute/sync", &json!({ "script": text, "args": [] }))
    }

    /// Waits until an expression is true in the page.
    pub fn wait_for(&self, condition: &str) {
        let until = Instant::now() + LIMIT;
        while self.script(&format!("return Boolean({condition})")) != true {
            let shown = || self.script("return location.href + '\\n' + document.body?.innerText.slice(0, 2000)");
            assert!(Instant::now() < until, "{condition} did not come true within {LIMIT:?}: {}", shown());
            std::thread::sleep(PAUSE);
        }
    }

    /// Loads nothing from such addresses.
    pub fn block(&self, pattern: &str) {
        self.command("Network.enable", json!({}));
        self.command("Network.setBlockedURLs", json!({ "urls": [pattern] }));
    }

    /// Whether pages may run scripts.
    pub fn scripts(&self, on: bool) {
        self.command("Emulation.setScriptExecutionDisabled", json!({ "value": !on }));
    }

    /// Looks another way from now on.
    pub fn look(&self, look: Look) {
        let scheme = if look.dark { "dark" } else { "light" };
        self.command("Emulation.setEmulatedMedia", json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }));
        self.size(look.width, 800);
    }

    fn size(&self, width: u32, height: u64) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size);
    }

    /// Presses the tabulator key.
    pub fn tab(&self) {
        let key = |kind: &str| json!({ "type": kind, "value": "\u{e004}" });
        self.ask("/actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": [key("keyDown"), key("keyUp")] }] }));
    }

    /// Presses what is found first, as a person with a mouse does.
    pub fn press(&self, selector: &str) {
        let found = self.ask("/element", &json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.ask(&format!("/element/{id}/click"), &json!({}));
    }

    /// A picture of the page, down to a limit, as PNG.
    pub fn picture(&self, look: Look, limit: u64) -> Vec<u8> {
        let height = self.script("return document.documentElement.scrollHeight").as_u64().unwrap();
        self.size(look.width, height.clamp(400, limit));
        let answer = self.command("Page.captureScreenshot", json!({ "format": "png" }));
        STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // the session's end ends Chromium; if that fails the driver's end does
        let _ = self.runtime.block_on(async { self.http.delete(&self.session).timeout(LIMIT).send().await });
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
