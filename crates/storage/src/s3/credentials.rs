//! Credentials that are found anew where a server says that they have expired.
//!
//! The SDK reads a profile file once. A person or a program that renews what stands in it must not have to stop a run.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_credential_types::provider::{self, error::CredentialsError, future};
use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use futures::future::BoxFuture;
use tokio::{sync::Mutex, time::Instant};

/// The codes by which servers say that other credentials are wanted.
pub(super) const EXPIRED: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "RequestExpired",
    "InvalidToken",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
];

/// The time between two searches: a server that refuses everything makes no storm of them.
const BETWEEN: Duration = Duration::from_secs(1);
/// How long before their end credentials are no longer used.
const RESERVE: Duration = Duration::from_secs(60);

/// Finds credentials from the start: reads files and variables as if this process had just begun.
type Find = Box<dyn Fn() -> BoxFuture<'static, Option<SharedCredentialsProvider>> + Send + Sync>;

/// The credentials of a client. A clone is the same.
#[derive(Clone)]
pub(super) struct RenewedCredentials(Arc<Inner>);

struct Inner {
    find: Find,
    /// Whether a server has said that they have expired.
    expired: AtomicBool,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    provider: Option<SharedCredentialsProvider>,
    credentials: Option<Credentials>,
    at: Option<Instant>,
}

impl RenewedCredentials {
    /// Those that `find` finds.
    pub fn new(
        find: impl Fn() -> BoxFuture<'static, Option<SharedCredentialsProvider>> + Send + Sync + 'static,
    ) -> Self {
        let (expired, found) = (AtomicBool::new(false), Mutex::default());
        Self(Arc::new(Inner { find: Box::new(find), expired, found }))
    }

    /// The classifier of answers that notes when they have expired.
    pub fn classifier(&self) -> impl ClassifyRetry + use<> {
        ExpiryClassifier(self.clone())
    }

    async fn give(&self) -> provider::Result {
        let mut found = self.0.found.lock().await;
        let may_search = found.at.is_none_or(|at| at.elapsed() >= BETWEEN);
        if may_search && self.0.expired.swap(false, Ordering::Relaxed) {
            *found = Found::default();
        }
        if let Some(credentials) = found.credentials.as_ref().filter(|credentials| lasts(credentials)) {
            return Ok(credentials.clone());
        }
        let provider = match &found.provider {
            Some(provider) => provider.clone(),
            None => (self.0.find)().await.ok_or_else(|| CredentialsError::not_loaded("there are none"))?,
        };
        let credentials = provider.provide_credentials().await?;
        (found.provider, found.credentials) = (Some(provider), Some(credentials.clone()));
        found.at = Some(Instant::now());
        Ok(credentials)
    }
}

fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|end| end > SystemTime::now() + RESERVE)
}

impl fmt::Debug for RenewedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RenewedCredentials")
    }
}

impl ProvideCredentials for RenewedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.give())
    }
}

/// Has a request tried again, with what is found then, where a server says that the credentials have expired.
#[derive(Debug)]
struct ExpiryClassifier(RenewedCredentials);

impl ClassifyRetry for ExpiryClassifier {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else { return RetryAction::NoActionIndicated };
        let status = response.status().as_u16();
        if !matches!(status, 400 | 401 | 403) {
            return RetryAction::NoActionIndicated;
        }
        // The answer to a HEAD has no body to say it in.
        let body = response.body().bytes().unwrap_or_default();
        let says_so = says_expired(body);
        if says_so || body.is_empty() {
            self.0.0.expired.store(true, Ordering::Relaxed);
        }
        if says_so || (status == 400 && body.is_empty()) {
            return RetryAction::transient_error();
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "expired credentials"
    }
}

fn says_expired(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    EXPIRED.iter().any(|code| text.contains(&format!("<Code>{code}</Code>")))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn counted() -> (RenewedCredentials, Arc<AtomicUsize>) {
        let searches = Arc::new(AtomicUsize::new(0));
        let count = searches.clone();
        let credentials = RenewedCredentials::new(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let found = Credentials::new(format!("key-{number}"), "secret", None, None, "test");
            Box::pin(async move { Some(SharedCredentialsProvider::new(found)) })
        });
        (credentials, searches)
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_are_searched_for_again_when_they_have_expired_and_not_before() {
        let (credentials, searches) = counted();
        for _ in 0..3 {
            assert_eq!(credentials.give().await.expect("found").access_key_id(), "key-0");
        }
        credentials.0.expired.store(true, Ordering::Relaxed);
        assert_eq!(credentials.give().await.expect("found").access_key_id(), "key-0", "too soon after the last search");
        tokio::time::sleep(BETWEEN).await;
        for _ in 0..3 {
            assert_eq!(credentials.give().await.expect("found").access_key_id(), "key-1");
        }
        assert_eq!(searches.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_server_says_by_its_code_that_credentials_have_expired() {
        assert!(says_expired(
            b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
        ));
        assert!(!says_expired(b"<Error><Code>AccessDenied</Code><Message>ExpiredToken</Message></Error>"));
    }
}
