//! In a real browser: Debian's Chromium, driven over WebDriver.

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use super::{Pages, chain};
use crate::cli::Bench;

/// What a checker of accessibility would say.
const CHECKS: &str = include_str!("checks.js");

/// A browser with its driver; both end with the test.
struct Browser {
    driver: Child,
    client: Client,
    log: tempfile::TempDir,
}

impl Browser {
    async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts; `tests/run` installs it");
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let said = line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned();
            said.parse::<u16>().ok()
        });
        let port = port.expect("it says on which port it is");
        // What it says later is read by nobody, and must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let log = tempfile::tempdir().expect("a folder");
        let flags = [
            "--headless=new".to_owned(),
            "--no-sandbox".into(), // of a test that runs as root
            "--disable-gpu".into(),
            "--disable-dev-shm-usage".into(),
            "--autoplay-policy=no-user-gesture-required".into(),
            "--enable-logging".into(),
            format!("--log-file={}", log.path().join("log").display()),
            format!("--user-data-dir={}", log.path().join("profile").display()),
        ];
        let wanted = json!({"goog:chromeOptions": {"args": flags}});
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wanted.as_object().expect("an object").clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser starts");
        Self { driver, client, log }
    }

    async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{error}: {script}"))
    }

    /// Waits until a script says true.
    async fn until(&self, script: &str) {
        loop {
            if self.script(&format!("return !!({script})")).await == json!(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn click(&self, path: &str) {
        let element = self
            .client
            .wait()
            .for_element(Locator::XPath(path))
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// The errors that the console has shown since the browser was started.
    fn errors(&self) -> Vec<String> {
        let log = std::fs::read(self.log.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let of_page = |line: &&str| {
            line.contains("CONSOLE") && ["rror", "efused", "violat"].iter().any(|word| line.contains(word))
        };
        log.lines().filter(of_page).map(str::to_owned).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.driver.kill().ok(); // the browser ends with its driver's session
        self.driver.wait().expect("waited for");
    }
}

/// Does something with a browser that is closed afterwards.
fn with_browser<F: Future<Output = Browser>>(what: impl FnOnce(Browser) -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let browser = what(Browser::start().await).await;
        assert_eq!(browser.errors(), [""; 0]);
        browser.client.clone().close().await.expect("closed");
    });
}

fn quickstart() -> Bench {
    let graph =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.yaml")).expect("the example");
    Bench::new(&graph)
}

#[test]
fn a_run_is_started_watched_and_heard() {
    let pages = Pages::of(quickstart(), "");
    let home = format!("http://{}", pages.address);
    with_browser(async |browser| {
        browser.client.goto(&home).await.expect("shown");
        browser.click("//button[.='Run the graph…']").await;
        let ids = browser.client.wait().for_element(Locator::Css("textarea[name=id]")).await.expect("a field");
        ids.send_keys("t-1\nt-2").await.expect("typed");
        browser.click("//button[.='Show what that would do']").await;
        browser.until("document.querySelector('main').innerText.includes('2 entities')").await;
        browser.click("//button[@class='go']").await;
        browser.until("location.pathname == '/commands'").await;
        browser.click("//nav//a[.='Overview']").await;
        browser.until("location.pathname == '/'").await;
        // The page follows the run by itself: it is not loaded again.
        browser.script("window.isTheSame = true").await;
        browser.until("[...document.querySelectorAll('#job-table tbody tr')].at(-1).cells[2].innerText == '2'").await;
        browser.until("document.querySelector('#run-table').innerText.includes('complete')").await;
        assert_eq!(browser.script("return window.isTheSame").await, json!(true));
        browser.click("//nav//a[.='Browse']").await;
        browser.click("//a[contains(@href, '/entity') and contains(., 't-1')]").await;
        browser.until("document.querySelector('#job-track audio')?.readyState >= 1").await;
        browser.script("document.querySelector('#job-track audio').play()").await;
        browser.until("document.querySelector('#job-track audio').currentTime > 0.2").await;
        // What plays is left alone by what is new.
        browser.script("document.querySelector('#job-track audio').currentTime = 12").await;
        browser.until("document.querySelector('#job-track audio').currentTime > 12.2").await;
        assert_eq!(browser.script("return document.querySelector('#job-track audio').error").await, Value::Null);
        browser.until("[...document.querySelectorAll('#job-track img, #job-spectrogram img')].every(own => { own.scrollIntoView(); return own.naturalWidth > 0 })").await;
        browser
    });
    assert_eq!(pages.stop(), 0);
}

#[test]
fn a_dead_letter_is_tried_again_by_clicks() {
    let pages = Pages::of(chain(), "");
    let home = format!("http://{}", pages.address);
    pages.bench.write("fix/y", "fixed");
    with_browser(async |browser| {
        browser.client.goto(&format!("{home}/dead")).await.expect("shown");
        browser.click("//a[.='b: failed']").await;
        browser.click("//input[@type='checkbox']").await;
        browser.click("//button[.='Try the chosen again…']").await;
        browser.click("//button[@class='go']").await;
        browser.until("document.querySelector('#commands')?.innerText.includes('ended well')").await;
        browser.click("//nav//a[contains(., 'Dead letters')]").await;
        browser.until("document.querySelector('#groups')?.innerText.includes('Nothing failed for good')").await;
        browser
    });
    assert!(pages.bench.has("out/c/y.txt"));
}

#[test]
fn pages_can_be_read_by_everybody_in_light_and_dark_and_on_a_phone() {
    let pages = Pages::of(chain(), "");
    let home = format!("http://{}", pages.address);
    pages.page("/");
    let run = pages.get("/api/runs").json()["runs"][0]["run"].as_str().expect("a run").to_owned();
    let paths = [
        "/".to_owned(),
        "/browse".into(),
        "/runs".into(),
        format!("/run?run={run}"),
        "/dead".into(),
        "/dead?job=b".into(),
        "/nodes".into(),
        "/commands".into(),
        "/command?do=run".into(),
        "/entity?id=y".into(),
        "/compare?a=x&b=y".into(),
        "/nothing".into(),
    ];
    with_browser(async |browser| {
        let mut wrong = Vec::new();
        for (theme, width) in [("light", 1280), ("dark", 360)] {
            let media = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": [{"name": "prefers-color-scheme", "value": theme}]}});
            let metrics = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false}});
            for command in [media, metrics] {
                browser.client.issue_cmd(DevTools(command)).await.expect("emulated");
            }
            for path in &paths {
                browser.client.goto(&format!("{home}{path}")).await.expect("shown");
                let said = browser.script(CHECKS).await;
                wrong.extend(said.as_array().expect("a list").iter().map(|one| format!("{theme} {path}: {one}")));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // The keyboard comes to the skip link first, and from there to the page.
        browser.client.goto(&home).await.expect("shown");
        let body = browser.client.find(Locator::Css("body")).await.expect("a body");
        body.send_keys("\u{e004}").await.expect("typed");
        assert_eq!(browser.script("return document.activeElement.className").await, json!("skip"));
        let link = browser.client.active_element().await.expect("focused");
        link.send_keys("\u{e007}").await.expect("typed");
        browser.until("location.hash == '#main'").await;
        browser
    });
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct DevTools(Value);

impl fantoccini::wd::WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.0.to_string()))
    }
}
