//! Requests to the HTTP interface of a broker's management plugin: a hundredth of what a call of `rabbitmqctl` costs.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// The interface of a broker on this machine, as the user that every broker has at first.
#[derive(Clone, Copy, Debug)]
pub struct Management {
    pub port: u16,
}

impl Management {
    /// Makes or changes what a path names.
    pub fn put(self, path: &str, body: &Value) {
        let (status, answer) = self.ask("PUT", path, &body.to_string()).expect("the broker answers");
        assert!(matches!(status, 201 | 204), "PUT {path}: {status} {answer}");
    }

    /// Removes what a path names.
    pub fn delete(self, path: &str) {
        let (status, answer) = self.ask("DELETE", path, "").expect("the broker answers");
        assert_eq!(status, 204, "DELETE {path}: {answer}");
    }

    /// What is known of what a path names.
    pub fn get(self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, "").expect("the broker answers");
        assert_eq!(status, 200, "GET {path}: {answer}");
        serde_json::from_str(&answer).expect("JSON")
    }

    /// Sends a request, and gives the status and the body of the answer.
    pub fn ask(self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let (guest, length) = ("Z3Vlc3Q6Z3Vlc3Q=", body.len()); // `guest:guest` in base64
        let head = format!(
            "{method} /api/{path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic {guest}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or_else(|| std::io::Error::other(head.to_owned()))?, body.to_owned()))
    }
}
