//! `ui`: the pages, asked for as a program does and looked at in a browser.

mod browser;
mod changes;
mod client;
mod guarded;
mod shown;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::Bench;
pub use client::{Answer, ask, raw};

/// A server of pages over a graph `g.yaml`; ended when it is dropped.
pub struct Pages {
    pub bench: Bench,
    child: Child,
    out: BufReader<ChildStdout>,
    /// `127.0.0.1` and the port.
    pub address: String,
    /// What the program printed as the link.
    pub link: String,
}

impl Pages {
    /// Starts it with further flags.
    pub fn of(bench: Bench, flags: &str) -> Self {
        let words = format!("ui g.yaml --listen 127.0.0.1:0 {flags}");
        let mut child = bench.start(&words);
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let link = line.split_whitespace().next().unwrap_or_default().to_owned();
        let address =
            link.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        Self { bench, child, out, address, link }
    }

    /// Asks for a page, as a browser does.
    pub fn get(&self, path: &str) -> Answer {
        ask(&self.address, "GET", path, &[], "")
    }

    /// The page of a path, once the catalogue was counted.
    pub fn page(&self, path: &str) -> String {
        self.until(path, |page| !page.contains("is being counted"))
    }

    /// The page of a path, once it fits; nextest ends who waits for too long.
    pub fn until(&self, path: &str, fits: impl Fn(&str) -> bool) -> String {
        loop {
            let answer = self.get(path);
            let text = answer.text();
            if answer.status == 200 && fits(&text) {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Sends a form, with the token that the page of `path` has.
    pub fn send(&self, path: &str, to: &str, fields: &str) -> Answer {
        let page = self.page(path);
        let token = page.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let token = token.unwrap_or_else(|| panic!("no form in {page}"));
        self.post(to, &format!("form_token={token}&{fields}"))
    }

    pub fn post(&self, to: &str, body: &str) -> Answer {
        ask(&self.address, "POST", to, &[("Content-Type", "application/x-www-form-urlencoded")], body)
    }

    /// Stops it as ctrl-c does; its exit code.
    pub fn stop(mut self) -> i32 {
        let pid = Pid::from_raw(self.child.id() as i32).expect("a number");
        kill_process(pid, Signal::INT).expect("told");
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.out, &mut rest).expect("text");
        code
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended
        self.child.wait().expect("waited for");
    }
}

/// A chain a → b → c over three files, of which `b` failed for `y`.
pub fn chain() -> Bench {
    let bench = crate::cli::chain();
    bench.call("run g.yaml").ends(4);
    bench
}
