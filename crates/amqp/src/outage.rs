//! Tells once that the broker is away, and once that it is back, however many connections and tries there are.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::Instant;

use super::error::ConnectionError;
use super::settings::ConnectionSettings;

/// What is known of the connections of one handle.
pub(super) struct Outage {
    away: RefCell<Away>,
    link: Arc<Link>,
}

/// What other threads know of the connections of a handle.
#[derive(Debug)]
pub(super) struct Link {
    connected: AtomicBool,
    outages: AtomicU64,
}

impl Link {
    /// Nothing is lost yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { connected: AtomicBool::new(true), outages: AtomicU64::new(0) })
    }

    /// Whether none is lost.
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// How often the first of them was lost.
    pub fn outages(&self) -> u64 {
        self.outages.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
struct Away {
    /// What each lost connection is for.
    lost: BTreeSet<&'static str>,
    since: Option<Instant>,
    /// The last refusal that a person has to see to.
    refused: Option<String>,
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It went away.
    Away,
    /// It refuses for a reason that waiting cannot change.
    Refused,
    /// It is back after so many seconds.
    Back(u64),
}

impl Outage {
    /// Nothing is lost yet; `link` is told what is.
    pub(super) fn told_to(link: Arc<Link>) -> Self {
        Self { away: RefCell::default(), link }
    }

    /// The connection for `what` broke, or could not be made.
    pub(super) fn broke(&self, settings: &ConnectionSettings, what: &'static str, error: &ConnectionError) {
        let broker = &settings.url;
        if self.link.connected.swap(false, Ordering::Relaxed) {
            self.link.outages.fetch_add(1, Ordering::Relaxed);
        }
        match self.away.borrow_mut().lose(what, error) {
            Some(News::Refused) => tracing::error!(%broker, "{what} stopped, and is tried again: {error}"),
            Some(_) => tracing::warn!(%broker, "the broker is away, and is tried again until it is back: {error}"),
            None => tracing::debug!(%broker, "{what} was interrupted, and is tried again: {error}"),
        }
    }

    /// The connection for `what` stands.
    pub(super) fn works(&self, settings: &ConnectionSettings, what: &'static str) {
        let mut away = self.away.borrow_mut();
        let news = away.find(what);
        self.link.connected.store(away.lost.is_empty(), Ordering::Relaxed);
        if let Some(News::Back(seconds)) = news {
            tracing::warn!(broker = %settings.url, "the broker is back after {seconds} s");
        }
    }
}

impl Away {
    fn lose(&mut self, what: &'static str, error: &ConnectionError) -> Option<News> {
        self.lost.insert(what);
        let began = self.since.is_none();
        self.since.get_or_insert_with(Instant::now);
        if error.is_final() {
            let text = error.to_string();
            let is_news = self.refused.as_ref() != Some(&text);
            self.refused = Some(text);
            return is_news.then_some(News::Refused);
        }
        began.then_some(News::Away)
    }

    fn find(&mut self, what: &'static str) -> Option<News> {
        self.lost.remove(what);
        if !self.lost.is_empty() {
            return None;
        }
        self.refused = None;
        self.since.take().map(|since| News::Back(since.elapsed().as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_of_ten_seconds_is_told_once_and_its_end_once() {
        let (mut away, broken) = (Away::default(), ConnectionError::Broken("reset".into()));
        let mut said = Vec::new();
        for _ in 0..10 {
            said.extend(away.lose("publishing", &broken));
            said.extend(away.lose("consuming", &broken));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        said.extend(away.find("publishing"));
        said.extend(away.find("consuming"));
        said.extend(away.find("consuming"));
        assert_eq!(said, [News::Away, News::Back(10)]);
    }

    #[test]
    fn a_refusal_that_waiting_cannot_change_is_told_beside_the_outage() {
        let (mut away, broken) = (Away::default(), ConnectionError::Broken("reset".into()));
        let refused = ConnectionError::Unfit("too old".into());
        let said: Vec<News> =
            [&broken, &refused, &refused].into_iter().filter_map(|error| away.lose("consuming", error)).collect();
        assert_eq!(said, [News::Away, News::Refused]);
    }
}
