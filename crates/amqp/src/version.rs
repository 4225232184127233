//! What a broker says of itself before anybody logs in, and which arguments its queues can have.

use std::time::Duration;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use futures::{AsyncReadExt, AsyncWriteExt};
use lapin::protocol::{AMQPClass, connection::AMQPMethod};
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::types::AMQPValue;

use super::link::{ANSWER, LinkError};
use super::settings::Dial;

/// A broker's product and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `RabbitMQ`, or what else it calls itself.
    pub product: String,
    /// As it says it, such as `3.10.8`.
    pub text: String,
    /// Major and minor, zero where the text has none.
    pub number: (u32, u32),
}

impl Version {
    /// The version that a text states.
    pub fn parse(product: &str, text: &str) -> Self {
        let mut parts = text.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Self { product: product.to_owned(), text: text.to_owned(), number }
    }

    /// Whether a queue can say for itself how long a delivery may be unsettled.
    pub fn has_queue_consumer_timeout(&self) -> bool {
        self.number >= (3, 12)
    }

    /// Whether it can be used at all: quorum queues with at-least-once dead-lettering are needed.
    pub fn is_fit(&self) -> bool {
        self.product != "RabbitMQ" || self.number >= (3, 10)
    }

    /// What the broker is asked to allow a job that may take `timeout`: at least twice that, in steps, so that a small
    /// change of a timeout leaves the queue's settings as they are.
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

/// Asks a broker who it is: the first thing that it says on a new connection, which the client library keeps to itself.
///
/// # Errors
/// [`LinkError`] where it cannot be reached, or speaks another protocol.
pub async fn ask(dial: &Dial) -> Result<Version, LinkError> {
    let asking = async {
        let runtime = lapin::runtime::default_runtime().map_err(|error| std::io::Error::other(error.to_string()))?;
        let config: OwnedTLSConfig = super::link::tls(dial).map_err(std::io::Error::other)?;
        let mut stream = dial.url.reveal().connect_with_config_async(config.as_ref(), &runtime).await?;
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
            return Err(LinkError::refused("could not connect", &error));
        }
        Err(_) => return Err(LinkError::Silent("could not connect")),
    };
    let AMQPFrame::Method(_, AMQPClass::Connection(AMQPMethod::Start(start))) = frame else {
        return Err(LinkError::Unfit("the broker does not speak AMQP 0-9-1".into()));
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
    fn the_consumer_timeout_is_at_least_double_the_jobs_and_stays_when_that_changes_a_little() {
        let new = Version::parse("RabbitMQ", "4.0.1");
        let minutes = |m: u64| Duration::from_secs(m * 60);
        assert_eq!(new.consumer_timeout(minutes(10)), Some(minutes(32)));
        assert_eq!(new.consumer_timeout(minutes(12)), Some(minutes(32)));
        assert_eq!(new.consumer_timeout(minutes(60)), Some(minutes(128)));
        assert_eq!(Version::parse("RabbitMQ", "3.10.8").consumer_timeout(minutes(10)), None);
    }
}
