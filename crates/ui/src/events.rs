//! Tells browsers that there is something new, as server-sent events: they fetch the page they show again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures::stream::{self, Stream};
use tokio::sync::watch;

use crate::shared::Shared;

/// How many browsers may wait for news at once; the others see what is new when they ask.
const MOST: usize = 256;
/// How often something is sent although nothing is new, so that a browser that is gone is noticed.
const PULSE: Duration = Duration::from_secs(15);

/// One browser that waits.
struct Listener {
    shared: Arc<Shared>,
    news: watch::Receiver<u64>,
}

impl Listener {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.listeners.fetch_add(1, Ordering::Relaxed);
        Self { shared: shared.clone(), news: shared.news() }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response that goes on for as long as the browser listens.
pub(crate) fn events(shared: &Arc<Shared>) -> HttpResponse {
    if shared.listeners.load(Ordering::Relaxed) >= MOST {
        return HttpResponse::ServiceUnavailable().body("too many browsers wait for news; reload the page instead\n");
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(news(Listener::new(shared)))
}

fn news(listener: Listener) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::unfold((listener, true), |(mut listener, is_first)| async move {
        if is_first {
            return Some((Ok(Bytes::from_static(b"retry: 2000\n\n")), (listener, false)));
        }
        let text = match tokio::time::timeout(PULSE, listener.news.changed()).await {
            Ok(Ok(())) => format!("data: {}\n\n", *listener.news.borrow_and_update()),
            Ok(Err(_)) => return None, // the server ends
            Err(_) => ": still here\n\n".to_owned(),
        };
        Some((Ok(Bytes::from(text)), (listener, false)))
    })
}
