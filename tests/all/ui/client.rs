//! A client for one request at a time, which can also send what no client would.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// 0 where it closed the connection without a word.
    pub status: u16,
    /// By their names, in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Sends a request with these headers beside the usual ones; a header of the same name goes before a usual one.
pub fn ask(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    let has = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    if !has("host") {
        text += &format!("Host: {address}\r\n");
    }
    if method != "GET" && !has("content-length") {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
    raw(address, format!("{text}\r\n{body}").as_bytes())
}

/// Sends these bytes and reads what comes until the connection is closed.
pub fn raw(address: &str, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    // A server may close before it has read all of it.
    let sent = stream.write_all(bytes);
    let mut all = Vec::new();
    let read = stream.read_to_end(&mut all);
    assert!(sent.is_err() || read.is_ok() || !all.is_empty(), "{read:?}");
    parsed(&all)
}

fn parsed(all: &[u8]) -> Answer {
    let none = Answer { status: 0, headers: BTreeMap::new(), body: Vec::new() };
    let Some(at) = all.windows(4).position(|four| four == b"\r\n\r\n") else { return none };
    let head = String::from_utf8_lossy(&all[..at]);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<_, _> = head.lines().skip(1).filter_map(header).collect();
    let mut body = all[at + 4..].to_vec();
    if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        body = unchunked(&body);
    }
    Answer { status, headers, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap_or("0").trim(), 16).unwrap_or(0);
        if length == 0 {
            break;
        }
        body.extend_from_slice(&rest[at + 2..(at + 2 + length).min(rest.len())]);
        rest = rest.get(at + 4 + length..).unwrap_or(&[]);
    }
    body
}
