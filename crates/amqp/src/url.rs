//! Where a broker is: a URL whose credentials are never shown.

use std::fmt;
use std::net::IpAddr;

use lapin::uri::{AMQPScheme, AMQPUri};
use thiserror::Error;

/// The URL of a broker: `amqp://user:password@host:5672/vhost`, or `amqps://…`.
///
/// Neither `Display` nor `Debug` shows the user or the password.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl(AMQPUri);

/// Why a text is no URL of a broker. Never holds the text itself, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadUrl {
    /// Not a URL, or of another scheme.
    #[error("the broker's URL cannot be read: {0}; it has the form amqp://user:password@host:port/vhost, or amqps://…")]
    Unreadable(String),
    /// An unencrypted connection to another machine.
    #[error(
        "the connection to {0} would be plain text: anybody on the way could read and change messages; use amqps://, or allow it by name with --allow-plaintext (EUTERPE_ALLOW_PLAINTEXT=1)"
    )]
    PlainText(String),
}

impl BrokerUrl {
    /// Reads a URL. An unencrypted connection may lead to this machine only, unless `allow_plaintext`.
    ///
    /// # Errors
    /// [`BadUrl`], which never holds the credentials.
    pub fn new(text: &str, allow_plaintext: bool) -> Result<Self, BadUrl> {
        if text.trim().is_empty() {
            return Err(BadUrl::Unreadable("it is empty".into()));
        }
        let uri: AMQPUri = text.parse().map_err(|problem: String| BadUrl::Unreadable(without(&problem, text)))?;
        let mut url = Self(uri);
        if let Some(address) = ipv6(text) {
            url.0.authority.host = address.to_owned(); // the parser turns every such address into `localhost`
        }
        if url.0.scheme == AMQPScheme::AMQP && !allow_plaintext && !url.is_loopback() {
            return Err(BadUrl::PlainText(url.to_string()));
        }
        Ok(url)
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.0.scheme == AMQPScheme::AMQPS
    }

    /// Whether the host is this machine, judged by its name or address as written.
    pub fn is_loopback(&self) -> bool {
        let host = &self.0.authority.host;
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The parsed URL with its credentials, to connect with.
    pub(super) fn reveal(&self) -> &AMQPUri {
        &self.0
    }
}

/// The IPv6 address between brackets in place of the host, if there is one.
fn ipv6(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[')?.split_once(']').map(|(address, _)| address)
}

/// The parser's message without the text that it could not read.
fn without(problem: &str, text: &str) -> String {
    let problem = problem.replace(text, "(not shown)");
    match text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')) {
        Some((secret, _)) if !secret.is_empty() => problem.replace(secret, "…"),
        _ => problem,
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { authority, vhost, .. } = &self.0;
        let scheme = if self.is_tls() { "amqps" } else { "amqp" };
        match authority.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", authority.host, authority.port)?,
            false => write!(f, "{scheme}://{}:{}", authority.host, authority.port)?,
        }
        match vhost.as_str() {
            "/" => Ok(()),
            vhost => write!(f, "/{}", vhost.replace('/', "%2f")),
        }
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_neither_user_nor_password() {
        let url = BrokerUrl::new("amqp://canary-user:canary-word@localhost:5673/studio%2fa", false).expect("a URL");
        for shown in [format!("{url}"), format!("{url:?}")] {
            assert!(!shown.contains("canary"), "{shown}");
            assert!(shown.contains("localhost:5673/studio%2fa"), "{shown}");
        }
        let empty = BrokerUrl::new("", false).expect_err("nothing").to_string();
        assert!(empty.starts_with("the broker's URL cannot be read: it is empty;"), "{empty}");
        for broken in ["http://u:canary@h", "amqp://u:canary@h:notaport/x", "amqp://u:canary@[::1/", "canary"] {
            let error = BrokerUrl::new(broken, false).expect_err("read");
            let told = format!("{error} {error:?}");
            assert!(broken == "canary" || !told.contains("canary"), "{broken}: {told}");
        }
    }

    #[test]
    fn plain_text_is_for_this_machine_unless_it_is_allowed_by_name() {
        for here in ["amqp://localhost", "amqp://127.0.0.1:1/x", "amqp://127.9.9.9", "amqp://[::1]:5"] {
            assert!(BrokerUrl::new(here, false).is_ok(), "{here}");
        }
        for away in ["amqp://rabbit", "amqp://u:p@10.0.0.1", "amqp://localhost.example.org", "amqp://[::2]"] {
            assert!(matches!(BrokerUrl::new(away, false), Err(BadUrl::PlainText(_))), "{away}");
            assert!(BrokerUrl::new(away, true).is_ok(), "{away}");
        }
        assert!(BrokerUrl::new("amqps://rabbit", false).is_ok());
        let six = BrokerUrl::new("amqps://u:p@[fd00::7]:5671/x", false).expect("a URL");
        assert_eq!(
            (six.to_string().as_str(), six.reveal().authority.host.as_str()),
            ("amqps://[fd00::7]:5671/x", "fd00::7")
        );
    }
}
