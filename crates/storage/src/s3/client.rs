//! A client of the SDK: where to, as whom, how long to wait, how often to try again.

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
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};

use super::resolver::Resolver;
use super::trouble::Trouble;
use super::{S3Settings, Tuning};

/// How fast a transfer must be at the least, in bytes a second, beyond the time for an answer.
pub(super) const SLOWEST: u64 = 50_000;

/// A client for a store. Credentials come from where the SDK finds them: the environment, profile files, the identity
/// of a container or, for Amazon's own servers, of the machine.
///
/// # Errors
/// A machine that trusts nobody, where the server must be asked by way of encryption.
pub(super) async fn connect(settings: &S3Settings) -> Result<Client, Trouble> {
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
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
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
    loader = match &settings.identity {
        Some(identity) => loader.credentials_provider(identity.clone()),
        None if by_graph => loader.credentials_provider(credentials(http)),
        None => loader,
    };
    let shared = loader.load().await;
    if shared.endpoint_url().is_some_and(holds_a_user) {
        return Err(misplaced("`endpoint_url` of the profile"));
    }
    let patient = RetryPartition::custom(settings.place())
        .token_bucket(TokenBucket::builder().capacity(500).refill_rate(5.0).build())
        .build();
    let config = Builder::from(&shared)
        .force_path_style(elsewhere || shared.endpoint_url().is_some())
        .retry_partition(patient)
        .retry_classifier(OnTheWay);
    Ok(Client::from_conf(config.build()))
}

/// Where a graph file names the server, nobody is asked who might answer for the machine: a graph file is no reason to.
fn credentials(http: SharedHttpClient) -> CredentialsProviderChain {
    let config = ProviderConfig::without_region().with_http_client(http);
    CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("Profile", ProfileFileCredentialsProvider::builder().configure(&config).build())
        .or_else("WebIdentityToken", WebIdentityTokenCredentialsProvider::builder().configure(&config).build())
}

/// Variables that name the server, the first that is set.
const NAMED_BY: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// Whether an address has a user or a password before its host: nobody asks for it there, and it would stand in logs.
fn holds_a_user(url: &str) -> bool {
    let place = url.split_once("://").map_or(url, |(_, rest)| rest);
    place.split(['/', '?', '#']).next().is_some_and(|place| place.contains('@'))
}

fn misplaced(what: &str) -> Trouble {
    Trouble::unavailable(format!(
        "{what} holds a user or a password; take it out, and give credentials by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ))
}

/// The server that the environment names.
fn by_environment() -> Option<String> {
    NAMED_BY.into_iter().find_map(|name| std::env::var(name).ok())
}

fn http_client(endpoint: Option<&str>) -> Result<SharedHttpClient, Trouble> {
    let resolver = Resolver { by_graph: endpoint.is_some() };
    let context = TlsContext::builder().with_trust_store(trust(endpoint)?).build().map_err(Trouble::unavailable)?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_with_resolver(resolver))
}

/// Whose certificates are believed. Without encryption nobody's are read.
fn trust(endpoint: Option<&str>) -> Result<TrustStore, Trouble> {
    let is_plain = |url: &str| url.starts_with("http://");
    if endpoint.is_some_and(is_plain) {
        return Ok(TrustStore::empty());
    }
    // The client library takes it for granted that there are some.
    static ROOTS: LazyLock<bool> = LazyLock::new(|| !rustls_native_certs::load_native_certs().certs.is_empty());
    match *ROOTS {
        true => Ok(TrustStore::default()),
        false if endpoint.is_none() && by_environment().as_deref().is_some_and(is_plain) => Ok(TrustStore::empty()),
        false => Err(Trouble::unavailable(
            "this machine has no certificates to tell a server by; install `ca-certificates`, or name a file of them (PEM) in SSL_CERT_FILE",
        )),
    }
}

/// How long a request may take that moves so many bytes: until its answer begins, and in all for one that sends.
pub(super) fn timeouts(tuning: &Tuning, bytes: u64) -> TimeoutConfig {
    let transfer = Duration::from_millis(bytes.saturating_mul(1000) / SLOWEST);
    TimeoutConfig::builder()
        .connect_timeout(tuning.patience.min(Duration::from_secs(4)))
        .operation_attempt_timeout(tuning.patience + transfer)
        .build()
}

/// Whatever happens on the way is tried again: resets of a connection are not always told as such.
#[derive(Debug)]
struct OnTheWay;

impl ClassifyRetry for OnTheWay {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
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
