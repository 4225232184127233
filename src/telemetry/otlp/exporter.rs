//! Takes spans from the buffer and sends them, many at once, until the program ends. Nobody waits for it before that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use euterpe_engine::{Span, SpanBuffer};
use hyper::body::Bytes;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::collector::{Collector, Sent};
use super::settings::TraceSettings;
use super::wire;

/// How long spans wait for others, to be sent together.
const LINGER: Duration = Duration::from_secs(1);
/// How long a collector that is away is left alone; then ever longer.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long the end of the program waits for the last spans.
const FLUSH: Duration = Duration::from_secs(5);
/// The same where the collector did not take what was sent to it last.
const SHORT_FLUSH: Duration = Duration::from_secs(1);

/// Sends the spans of this process.
pub struct Exporter {
    buffer: Arc<SpanBuffer>,
    place: String,
    in_trouble: Arc<AtomicBool>,
    end: watch::Sender<Option<Instant>>,
    ended: oneshot::Receiver<()>,
}

impl Exporter {
    /// Starts to send what comes into `buffer`.
    ///
    /// # Errors
    /// A thread that cannot be started; https without certificates.
    pub fn start(settings: TraceSettings, buffer: Arc<SpanBuffer>) -> anyhow::Result<Self> {
        let url = &settings.url;
        // What else stands in the URL may be a key.
        let place =
            format!("{}://{}", url.scheme_str().unwrap_or("http"), url.authority().map_or("", |at| at.as_str()));
        let in_trouble = Arc::new(AtomicBool::new(false));
        let ((end, ending), (done, ended)) = (watch::channel(None), oneshot::channel());
        let resource = settings.resource.clone();
        let mut sending = Sending {
            collector: Collector::new(settings)?,
            resource,
            buffer: buffer.clone(),
            place: place.clone(),
            in_trouble: in_trouble.clone(),
            was_told: false,
            end: ending,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let send = move || {
            runtime.block_on(sending.send_all());
            // Nobody may wait any more.
            done.send(()).ok();
        };
        std::thread::Builder::new().name("traces".into()).spawn(send).context("no thread for the traces")?;
        Ok(Self { buffer, place, in_trouble, end, ended })
    }

    /// Sends what is left, but not for long, and says how much did not arrive.
    pub async fn finish(self) {
        let time = if self.in_trouble.load(Ordering::Relaxed) { SHORT_FLUSH } else { FLUSH };
        self.end.send_replace(Some(Instant::now() + time));
        if self.ended.await.is_err() {
            tracing::warn!("the thread that sends traces has ended before its time");
        }
        match self.buffer.lost() {
            0 => {}
            lost => tracing::warn!("{lost} spans of traces did not reach {}", self.place),
        }
    }
}

/// What the thread works with.
struct Sending {
    collector: Collector,
    resource: Vec<(String, String)>,
    buffer: Arc<SpanBuffer>,
    place: String,
    in_trouble: Arc<AtomicBool>,
    /// Whether trouble was told of: once is enough.
    was_told: bool,
    /// When all must be over, once that is known.
    end: watch::Receiver<Option<Instant>>,
}

impl Sending {
    async fn send_all(&mut self) {
        loop {
            tokio::select! {
                biased;
                () = is_near(&mut self.end) => {}
                () = self.buffer.is_full() => {}
                () = tokio::time::sleep(LINGER) => {}
            }
            // What is put in from now on is sent in the next round, if there is one.
            let is_last = self.end.borrow().is_some();
            loop {
                let spans = self.buffer.take();
                if spans.is_empty() {
                    break;
                }
                self.send(&spans).await;
            }
            if is_last {
                return;
            }
        }
    }

    /// Sends some spans, again and again while the collector is in trouble and the program goes on.
    async fn send(&mut self, spans: &[Span]) {
        let body = Bytes::from(wire::request(spans, &self.resource));
        let mut wait = FIRST_WAIT;
        loop {
            let sent = tokio::select! {
                biased;
                () = is_past(&mut self.end) => Sent::NotNow("it did not answer before the program ended".into()),
                sent = self.collector.send(body.clone()) => sent,
            };
            let (lost, why) = match sent {
                Sent::Taken(None) => {
                    self.in_trouble.store(false, Ordering::Relaxed);
                    return;
                }
                Sent::Taken(Some((count, why))) => (count, why),
                Sent::Refused(why) => (spans.len() as u64, why),
                Sent::NotNow(why) => {
                    self.tell(&why);
                    if self.end.borrow().is_none() {
                        tokio::select! {
                            () = is_near(&mut self.end) => {}
                            () = tokio::time::sleep(wait) => {}
                        }
                        wait = (wait * 2).min(LONGEST_WAIT);
                        continue;
                    }
                    self.buffer.lose(spans.len() as u64);
                    return;
                }
            };
            self.tell(&why);
            self.buffer.lose(lost);
            return;
        }
    }

    fn tell(&mut self, why: &str) {
        self.in_trouble.store(true, Ordering::Relaxed);
        let place = &self.place;
        match std::mem::replace(&mut self.was_told, true) {
            false => tracing::warn!(
                "traces do not reach {place}: {why}; the work goes on, and spans that are lost are counted"
            ),
            true => tracing::debug!("traces do not reach {place}: {why}"),
        }
    }
}

/// Waits until the end is told.
async fn is_near(end: &mut watch::Receiver<Option<Instant>>) {
    match end.wait_for(Option::is_some).await {
        Ok(_) | Err(_) => {}
    }
}

/// Waits until the time for the last spans is over.
async fn is_past(end: &mut watch::Receiver<Option<Instant>>) {
    let until = match end.wait_for(Option::is_some).await {
        Ok(until) => *until,
        Err(_) => None, // the program is gone
    };
    if let Some(until) = until {
        tokio::time::sleep_until(until).await;
    }
}
