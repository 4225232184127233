//! Sends one request to a collector and understands the answer.

use std::error::Error;
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::settings::TraceSettings;
use super::wire;

/// The most bytes of an answer that are read.
const MOST_ANSWER: usize = 64 * 1024;
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The collector has the spans, but for so many that it refused, with its reason.
    Taken(Option<(u64, String)>),
    /// It may take them later.
    NotNow(String),
    /// It will never take them.
    Refused(String),
}

/// A collector of traces.
pub struct Collector {
    client: HttpClient,
    settings: TraceSettings,
}

/// With TLS or without: what needs none does not need the machine's certificates either.
enum HttpClient {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Collector {
    /// The collector that `settings` names.
    ///
    /// # Errors
    /// Where it is to be reached by https and this machine trusts nobody.
    pub fn new(settings: TraceSettings) -> anyhow::Result<Self> {
        let mut builder = Client::builder(TokioExecutor::new());
        let builder = builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        let client = match settings.url.scheme_str() {
            Some("https") => {
                let tls = HttpsConnectorBuilder::new().with_native_roots();
                let tls = tls.context("no certificates to know the collector of traces by; install ca-certificates")?;
                HttpClient::Tls(builder.build(tls.https_only().enable_http1().build()))
            }
            _ => HttpClient::Plain(builder.build(HttpConnector::new())),
        };
        Ok(Self { client, settings })
    }

    /// Sends a request with this body.
    pub async fn send(&self, body: Bytes) -> Sent {
        match tokio::time::timeout(self.settings.timeout, self.answer(body)).await {
            Ok(Ok((status, answer))) => judged(status, &answer),
            Ok(Err(why)) => Sent::NotNow(why),
            Err(_) => Sent::NotNow(format!("no answer within {:?}", self.settings.timeout)),
        }
    }

    async fn answer(&self, body: Bytes) -> Result<(StatusCode, Bytes), String> {
        let mut request = Request::post(self.settings.url.clone());
        if let Some(headers) = request.headers_mut() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
            headers.extend(self.settings.headers.iter().cloned());
        }
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let answered = match &self.client {
            HttpClient::Plain(client) => client.request(request).await,
            HttpClient::Tls(client) => client.request(request).await,
        };
        let answer: Response<Incoming> = answered.map_err(|error| innermost(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST_ANSWER).collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }
}

/// What an answer means, as the standard says: some troubles pass.
fn judged(status: StatusCode, answer: &[u8]) -> Sent {
    let passes = matches!(status.as_u16(), 429 | 502 | 503 | 504);
    match status.is_success() {
        true => Sent::Taken(wire::refused(answer)),
        false if passes => Sent::NotNow(format!("it answers {status}")),
        false => Sent::Refused(format!("it answers {status}")),
    }
}

/// The cause of all, which says most.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_passes_is_told_from_a_refusal() {
        let of = |status: u16| judged(StatusCode::from_u16(status).expect("a status"), b"");
        assert_eq!(of(200), Sent::Taken(None));
        for passes in [429, 502, 503, 504] {
            assert!(matches!(of(passes), Sent::NotNow(_)), "{passes}");
        }
        for stays in [301, 400, 401, 404, 500] {
            assert!(matches!(of(stays), Sent::Refused(_)), "{stays}");
        }
    }
}
