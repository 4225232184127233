//! Makes a client of the SDK: server, region, credentials, time limits, retries.

use std::sync::LazyLock;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction, RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, IdentityCache, RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider,
    SharedHttpClient,
};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use futures::FutureExt;
use futures::future::ready;

use super::credentials::RenewedCredentials;
use super::error::S3Error;
use super::resolver::Resolver;
use super::settings::{S3Settings, Tuning};

/// The slowest transfer that is waited for, in bytes a second, beyond the time for an answer.
pub(super) const SLOWEST: u64 = 50_000;

/// A client, and what the person who set it up wants of it.
pub(super) struct Connected {
    pub client: Client,
    /// Whether writes are to state checksums: `AWS_REQUEST_CHECKSUM_CALCULATION`, or the profile, is not against it.
    pub checksums: bool,
}

/// A client for a store. Credentials come from where the SDK finds them: the environment, profile files, the identity
/// of a container or, for Amazon's own servers, of the machine.
///
/// # Errors
/// Where the machine has no certificates and the connection must be encrypted, or where a URL holds credentials.
pub(super) async fn connect(settings: &S3Settings) -> Result<Connected, S3Error> {
    let by_graph = settings.endpoint.is_some();
    if let Some(name) = NAMED_BY.into_iter().find(|name| std::env::var(name).is_ok_and(|url| holds_a_user(&url))) {
        return Err(misplaced(name));
    }
    let http = http_client(settings.endpoint.as_deref())?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .timeout_config(timeouts(&settings.tuning, 0))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(settings.tuning.tries)
                .with_initial_backoff(Duration::from_millis(100))
                .with_max_backoff(Duration::from_secs(5)),
        )
        .identity_cache(IdentityCache::no_cache()); // `RenewedCredentials` is one
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let elsewhere = by_graph || by_environment().is_some();
    let given = settings.region.clone().map(Region::new);
    loader = match (given, elsewhere) {
        (Some(given), _) => loader.region(given),
        // Such servers take any region, and a machine's metadata knows none for them.
        (None, true) => loader.region(
            RegionProviderChain::first_try(aws_config::environment::EnvironmentVariableRegionProvider::new())
                .or_else(aws_config::profile::ProfileFileRegionProvider::new())
                .or_else(Region::new("us-east-1")),
        ),
        (None, false) => loader, // the SDK's own chain, with the client for requests that it was given above
    };
    let credentials = credentials(settings, http);
    let shared = loader.credentials_provider(credentials.clone()).load().await;
    if shared.endpoint_url().is_some_and(holds_a_user) {
        return Err(misplaced("`endpoint_url` of the profile"));
    }
    let patient = RetryPartition::custom(settings.place())
        .token_bucket(TokenBucket::builder().capacity(500).refill_rate(5.0).build())
        .build();
    let config = Builder::from(&shared)
        .force_path_style(elsewhere || shared.endpoint_url().is_some())
        .retry_partition(patient)
        .retry_classifier(OnTheWay)
        .retry_classifier(credentials.classifier())
        // The writes of this crate state checksums of their own.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(validation());
    let checksums = shared.request_checksum_calculation() != Some(RequestChecksumCalculation::WhenRequired);
    Ok(Connected { client: Client::from_conf(config.build()), checksums })
}

/// Downloads are compared with the server's checksum where somebody asks for that: the SDK asks by itself, but not every
/// server has them, and downloads are in ranges, of which most have none.
fn validation() -> ResponseChecksumValidation {
    match std::env::var("AWS_RESPONSE_CHECKSUM_VALIDATION") {
        Ok(when) if when.eq_ignore_ascii_case("when_supported") => ResponseChecksumValidation::WhenSupported,
        _ => ResponseChecksumValidation::WhenRequired,
    }
}

/// The credentials of a store.
fn credentials(settings: &S3Settings, http: SharedHttpClient) -> RenewedCredentials {
    let (identity, by_graph) = (settings.identity.clone(), settings.endpoint.is_some());
    let region = settings.region.clone().map(Region::new);
    RenewedCredentials::new(move || match &identity {
        Some(identity) => ready(Some(identity.clone())).boxed(),
        None if by_graph => ready(Some(SharedCredentialsProvider::new(chain(http.clone())))).boxed(),
        None => {
            let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
            if let Some(region) = region.clone() {
                loader = loader.region(region);
            }
            async move { loader.load().await.credentials_provider() }.boxed()
        }
    })
}

/// Credentials for a server that a graph file names. The machine's metadata service is not asked: a graph file must not be able
/// to send the machine's own credentials to a server of its choice.
fn chain(http: SharedHttpClient) -> CredentialsProviderChain {
    let config = ProviderConfig::without_region().with_http_client(http);
    CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("Profile", ProfileFileCredentialsProvider::builder().configure(&config).build())
        .or_else("WebIdentityToken", WebIdentityTokenCredentialsProvider::builder().configure(&config).build())
}

/// Variables that name the server, the first that is set.
const NAMED_BY: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// Whether a URL has a user or a password before its host, where it is not used and would get into logs.
fn holds_a_user(url: &str) -> bool {
    let place = url.split_once("://").map_or(url, |(_, rest)| rest);
    place.split(['/', '?', '#']).next().is_some_and(|place| place.contains('@'))
}

fn misplaced(what: &str) -> S3Error {
    S3Error::unavailable(format!(
        "{what} holds a user or a password; take it out, and give credentials by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ))
}

/// The server that the environment names.
fn by_environment() -> Option<String> {
    NAMED_BY.into_iter().find_map(|name| std::env::var(name).ok())
}

fn http_client(endpoint: Option<&str>) -> Result<SharedHttpClient, S3Error> {
    let resolver = Resolver { by_graph: endpoint.is_some() };
    let context = TlsContext::builder().with_trust_store(trust(endpoint)?).build().map_err(S3Error::unavailable)?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_with_resolver(resolver))
}

/// The certificates that are trusted. Without encryption none are read.
fn trust(endpoint: Option<&str>) -> Result<TrustStore, S3Error> {
    let is_plain = |url: &str| url.starts_with("http://");
    if endpoint.is_some_and(is_plain) {
        return Ok(TrustStore::empty());
    }
    // The client library relies on there being some.
    static ROOTS: LazyLock<bool> = LazyLock::new(|| !rustls_native_certs::load_native_certs().certs.is_empty());
    match *ROOTS {
        true => Ok(TrustStore::default()),
        false if endpoint.is_none() && by_environment().as_deref().is_some_and(is_plain) => Ok(TrustStore::empty()),
        false => Err(S3Error::unavailable(
            "this machine has no certificates to tell a server by; install `ca-certificates`, or name a file of them (PEM) in SSL_CERT_FILE",
        )),
    }
}

/// The time limits of a request that moves `bytes`: until its answer begins, which for an upload includes sending.
pub(super) fn timeouts(tuning: &Tuning, bytes: u64) -> TimeoutConfig {
    let transfer = Duration::from_millis(bytes.saturating_mul(1000) / SLOWEST);
    TimeoutConfig::builder()
        .connect_timeout(tuning.patience.min(Duration::from_secs(4)))
        .operation_attempt_timeout(tuning.patience + transfer)
        .build()
}

/// Tries again whatever failed on the way: the SDK does not recognise every reset of a connection.
#[derive(Debug)]
struct OnTheWay;

impl ClassifyRetry for OnTheWay {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        // An answer that nobody can read is one all the same, and asking again does not change it.
        let status = context.response().map_or(0, |response| response.status().as_u16());
        if (400..500).contains(&status) && !matches!(status, 408 | 425 | 429) {
            return RetryAction::NoActionIndicated;
        }
        match context.output_or_error() {
            Some(Err(error)) if error.is_connector_error() || error.is_timeout_error() || error.is_response_error() => {
                RetryAction::transient_error()
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "on the way"
    }
}
