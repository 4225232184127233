//! The version that a broker states before the login, and what its queues can do.

use std::time::Duration;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use futures::{AsyncReadExt, AsyncWriteExt};
use lapin::protocol::{AMQPClass, connection::AMQPMethod};
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::types::AMQPValue;

use super::connection::ANSWER;
use super::error::ConnectionError;
use super::settings::ConnectionSettings;
use super::tls::tls;

/// A broker's product and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The product's name, such as `RabbitMQ`.
    pub product: String,
    /// The version as the broker states it, such as `3.10.8`.
    pub text: String,
    /// Major and minor number, zero where the text has none.
    pub number: (u32, u32),
}

impl Version {
    /// The version that a text states.
    pub fn parse(product: &str, text: &str) -> Self {
        let mut parts = text.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Self { product: product.to_owned(), text: text.to_owned(), number }
    }

    /// Whether each queue can have its own limit for how long a delivery may be unsettled.
    pub fn has_queue_consumer_timeout(&self) -> bool {
        self.number >= (3, 12)
    }

    /// Whether a quorum queue that asks for no delivery limit gets a low one: 20, since 4.0.
    pub fn has_low_delivery_limit(&self) -> bool {
        self.product == "RabbitMQ" && self.number >= (4, 0)
    }

    /// Whether it can be used at all: it needs quorum queues with at-least-once dead-lettering.
    pub fn is_fit(&self) -> bool {
        self.product != "RabbitMQ" || self.number >= (3, 10)
    }

    /// The limit that is asked for the queue of a job that may take `timeout`: at least twice that. It grows in steps, so that
    /// a small change of a timeout leaves the queue's settings as they are. `None` where queues have no limit of their own.
    pub fn consumer_timeout(&self, timeout: Duration) -> Option<Duration> {
        let minutes = (timeout.as_secs() * 2).div_ceil(60).max(30).checked_next_power_of_two()?;
        self.has_queue_consumer_timeout().then(|| Duration::from_secs(minutes.max(32) * 60))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.product, self.text)
    }
}

/// Asks a broker for its product and version: it states them first on a new connection, and the client library does not pass
/// them on.
///
/// # Errors
/// [`ConnectionError`] where it cannot be reached, or speaks another protocol.
pub async fn ask(settings: &ConnectionSettings) -> Result<Version, ConnectionError> {
    let asking = async {
        let runtime = lapin::runtime::default_runtime().map_err(|error| std::io::Error::other(error.to_string()))?;
        let config: OwnedTLSConfig = tls(settings).map_err(std::io::Error::other)?;
        let mut stream = settings.url.reveal().connect_with_config_async(config.as_ref(), &runtime).await?;
        stream.write_all(b"AMQP\0\0\x09\x01").await?;
        stream.flush().await?;
        let mut bytes = Vec::new();
        let mut chunk = [0u8; 4096];
        loop {
            let read = stream.read(&mut chunk).await?;
            bytes.extend_from_slice(&chunk[..read]);
            if let Ok((_, frame)) = parse_frame(bytes.as_slice()) {
                return Ok(frame);
            }
            if read == 0 || bytes.len() > 1 << 17 {
                return Err(std::io::Error::other("it does not speak AMQP 0-9-1"));
            }
        }
    };
    let frame = match tokio::time::timeout(ANSWER, asking).await {
        Ok(Ok(frame)) => frame,
        Ok(Err(error)) => {
            let error: lapin::Error = error.into();
            return Err(ConnectionError::refused("could not connect", &error));
        }
        Err(_) => return Err(ConnectionError::Silent("could not connect")),
    };
    let AMQPFrame::Method(_, AMQPClass::Connection(AMQPMethod::Start(start))) = frame else {
        return Err(ConnectionError::Unfit("the broker does not speak AMQP 0-9-1".into()));
    };
    let text = |name: &str| match start.server_properties.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        _ => String::new(),
    };
    Ok(Version::parse(&text("product"), &text("version")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_by_what_they_can() {
        let can = |text: &str| {
            let version = Version::parse("RabbitMQ", text);
            (version.is_fit(), version.has_queue_consumer_timeout())
        };
        assert_eq!(can("3.9.29"), (false, false));
        assert_eq!(can("3.10.8"), (true, false));
        assert_eq!(can("3.12.0-rc.1"), (true, true));
        assert_eq!(can("4.1.3"), (true, true));
        assert_eq!(can("4.3.0+1"), (true, true));
    }

    #[test]
    fn only_brokers_with_a_low_limit_of_their_own_are_asked_for_a_high_one() {
        let has = |product: &str, text: &str| Version::parse(product, text).has_low_delivery_limit();
        assert!(!has("RabbitMQ", "3.10.8") && !has("RabbitMQ", "3.13.7"), "its queues stay as they are");
        assert!(has("RabbitMQ", "4.0.1") && has("RabbitMQ", "4.2.0") && !has("LavinMQ", "4.1"));
    }

    #[test]
    fn the_consumer_timeout_is_at_least_double_the_jobs_and_stays_when_that_changes_a_little() {
        let new = Version::parse("RabbitMQ", "4.0.1");
        let minutes = |m: u64| Duration::from_secs(m * 60);
        assert_eq!(new.consumer_timeout(minutes(10)), Some(minutes(32)));
        assert_eq!(new.consumer_timeout(minutes(12)), Some(minutes(32)));
        assert_eq!(new.consumer_timeout(minutes(60)), Some(minutes(128)));
        assert_eq!(Version::parse("RabbitMQ", "3.10.8").consumer_timeout(minutes(10)), None);
    }
}
