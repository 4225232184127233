//! The page `/metrics` of this process, for Prometheus.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use euterpe_engine::Metrics;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

/// How many readers are served at once; more wait.
const READERS: usize = 256;
/// How long a reader may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a reader may take in all.
const LONGEST: Duration = Duration::from_secs(30);

/// The text format of Prometheus.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Takes an address, where metrics will be served.
///
/// # Errors
/// It cannot be had.
pub fn bind_metrics(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let taken = || format!("no metrics can be served at {address}; name another address with --metrics");
    let listener = TcpListener::bind(address).with_context(taken)?;
    listener.set_nonblocking(true).with_context(taken)?;
    Ok(listener)
}

/// Serves `metrics` until the process ends, on a thread of its own, together with `beside`.
///
/// # Errors
/// A thread that cannot be started.
pub fn serve_metrics<F>(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    beside: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = Infallible>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serve = move || {
        runtime.block_on(async {
            tokio::select! {
                Err(error) = accept(listener, metrics) => tracing::error!(%error, "metrics are not served any more"),
                never = beside() => match never {},
            }
        });
    };
    std::thread::Builder::new().name("metrics".into()).spawn(serve).context("no thread for the metrics")?;
    Ok(())
}

async fn accept(listener: TcpListener, metrics: Arc<Metrics>) -> std::io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let readers = Arc::new(Semaphore::new(READERS));
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // No descriptor is left, or the reader has gone again.
                tracing::debug!(%error, "a reader of the metrics could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(reader) = readers.clone().acquire_owned().await else { continue };
        let metrics = metrics.clone();
        tokio::spawn(async move {
            let service =
                service_fn(move |request| std::future::ready(Ok::<_, Infallible>(answer(&request, &metrics))));
            let mut http = http1::Builder::new();
            let http = http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
            match tokio::time::timeout(LONGEST, http.serve_connection(TokioIo::new(stream), service)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%from, %error, "a reader of the metrics was not served"),
                Err(_) => tracing::debug!(%from, "a reader of the metrics took too long"),
            }
            drop(reader);
        });
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => match metrics.text() {
            Ok(text) => (StatusCode::OK, text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "the metrics are at /metrics\n".into()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "GET /metrics\n".into()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
