//! Errors of S3: classifies the answer of a server as absence, a failed condition, or an error of a kind.

use std::{fmt::Display, io};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use euterpe_actors::node_trouble::{self, remedy_of_cause};
use euterpe_actors::storage::{StorageError, StorageErrorKind};

use super::credentials::EXPIRED;
use super::remedies::remedy;

/// A failed call, without the key that it was for: its kind and a sentence for people.
#[derive(Debug)]
pub(super) struct S3Error {
    pub kind: StorageErrorKind,
    pub text: String,
    /// Whether the disk of this machine is full, so that removing files from it helps.
    pub is_disk_full: bool,
}

impl S3Error {
    pub fn new(kind: StorageErrorKind, text: impl Display) -> Self {
        Self { kind, text: text.to_string(), is_disk_full: false }
    }

    pub fn unavailable(text: impl Display) -> Self {
        Self::new(StorageErrorKind::Unavailable, text)
    }

    /// An error of the thread that was to do the work: of this machine where none can be started.
    pub fn of_thread(error: &io::Error) -> Self {
        match node_trouble::remedy(error) {
            Some(remedy) => Self::new(StorageErrorKind::Machine, format!("{error}; {remedy}")),
            None => Self::unavailable(error),
        }
    }

    pub fn into_storage_error(self, action: &'static str, path: &str) -> StorageError {
        StorageError::new(self.kind, action, path, self.text)
    }
}

/// How a server refused a request.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no such object: S3 says so.
    Missing,
    /// The answer is 404 and nothing shows that S3 gave it: a proxy may have. `Bucket::is_absence` finds out.
    Bare404,
    /// The condition of the request does not hold, or another write to the key is going on.
    Condition,
    /// The server says that it does not have what the request needs: checksums, conditions, or all of it.
    Unsupported(S3Error),
    /// The server does not take the request as it was sent, and does not say which part of it. Some servers say so of a
    /// checksum, but it may be anything else as well.
    BadRequest(S3Error),
    /// Everything else.
    Other(S3Error),
}

impl Refusal {
    /// The error for a refusal, where neither absence nor a failed condition is expected.
    pub fn into_error(self) -> S3Error {
        match self {
            Refusal::Missing => S3Error::new(StorageErrorKind::NotFound, "no such object"),
            Refusal::Condition => S3Error::unavailable("somebody else is writing to it"),
            Refusal::Bare404 => S3Error::unavailable(
                "the answer is 404, and not in the words of S3; is the server behind a proxy away, or the bucket removed?",
            ),
            Refusal::Unsupported(error) | Refusal::BadRequest(error) | Refusal::Other(error) => error,
        }
    }
}

/// Classifies the error of any call.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(response) = error.raw_response() else {
        // Without an answer the request failed on the way, which may pass: a reset, a timeout, a name that is not known just now.
        // But not on its own where this machine has no descriptor left for the request.
        return Refusal::Other(match remedy_of_cause(error) {
            Some(remedy) => S3Error::new(StorageErrorKind::Machine, format!("{}; {remedy}", on_the_way(error))),
            None => S3Error::unavailable(on_the_way(error)),
        });
    };
    let status = response.status().as_u16();
    let code = error.code().unwrap_or_default();
    let said = match (code, error.message()) {
        ("", _) => format!("the server answered {status}"),
        (code, None | Some("")) => format!("{code} ({status})"),
        (code, Some(message)) => format!("{code}: {} ({status})", shortened(message)),
    };
    let of = |kind| Refusal::Other(S3Error::new(kind, &said));
    let lasting = |kind| match remedy(status, code) {
        Some(remedy) => S3Error::new(kind, format!("{said}: {remedy}")),
        None => S3Error::new(kind, &said),
    };
    match (code, status) {
        ("NoSuchBucket", _) => Refusal::Other(S3Error::unavailable(format!("{said}: make the bucket first"))),
        ("NoSuchKey" | "NoSuchUpload", _) => Refusal::Missing,
        // Without a body, as after a HEAD, the SDK says `NotFound`. A proxy does not number requests as S3 does.
        ("NotFound", 404) if response.headers().get("x-amz-request-id").is_some() => Refusal::Missing,
        (_, 404) => Refusal::Bare404,
        ("PreconditionFailed" | "ConditionalRequestConflict", _) | ("", 412) => Refusal::Condition,
        (code, _) if EXPIRED.contains(&code) => Refusal::Other(S3Error::new(
            StorageErrorKind::Denied,
            format!("{said}: renew the credentials where they come from; they are read again"),
        )),
        // The bytes came damaged or not at all; the next try may do better.
        ("BadDigest" | "IncompleteBody" | "RequestTimeout" | "XAmzContentSHA256Mismatch" | "OperationAborted", _) => {
            of(StorageErrorKind::Unavailable)
        }
        ("KeyTooLongError", _) => of(StorageErrorKind::BadKey),
        ("QuotaExceeded" | "XMinioStorageFull" | "XMinioStorageQuotaExceeded", _) | (_, 507) => {
            of(StorageErrorKind::Full)
        }
        (_, 301 | 302 | 303 | 307 | 308) => Refusal::Other(S3Error::unavailable(format!(
            "{said}: the server sends its askers elsewhere{}, which is not followed; if the bucket is in another region, \
             name it with `region`, else name the right server with `endpoint`",
            response.headers().get("location").map_or_else(String::new, |to| format!(" (`{}`)", place(to)))
        ))),
        (_, 401 | 403) => Refusal::Other(lasting(StorageErrorKind::Denied)),
        (
            "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "MetadataTooLarge"
            | "EntityTooLarge",
            _,
        ) => Refusal::Other(lasting(StorageErrorKind::Refused)),
        ("NotImplemented", _) | (_, 501) => Refusal::Unsupported(lasting(StorageErrorKind::Refused)),
        (_, 400) => Refusal::BadRequest(lasting(StorageErrorKind::Refused)),
        (_, 408 | 425 | 429) => of(StorageErrorKind::Unavailable),
        (_, 400..=499) => Refusal::Other(lasting(StorageErrorKind::Refused)),
        _ => of(StorageErrorKind::Unavailable),
    }
}

/// The sentence for a request that got no answer.
fn on_the_way<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + 'static,
{
    let text = DisplayErrorContext(error).to_string();
    match error {
        SdkError::TimeoutError(_) => "the server did not answer in time".to_owned(),
        _ if text.contains("CredentialsNotLoaded") || text.contains("no providers in chain provided credentials") => {
            "no credentials; give them by the AWS variables of the environment or a profile".to_owned()
        }
        _ => causes(error),
    }
}

/// The sentences of an error and of what caused it, each once.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = shortened(&error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let said = shortened(&cause.to_string());
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

/// The host of an address in a redirect, without credentials.
fn place(url: &str) -> String {
    let server = url.split_once("://").map_or(url, |(_, rest)| rest);
    let server = server.split(['/', '?', '#']).next().unwrap_or_default();
    shortened(server.rsplit_once('@').map_or(server, |(_, server)| server))
}

/// The text of another program, without control characters and cut to 300 characters.
fn shortened(text: &str) -> String {
    text.chars().take(300).flat_map(char::escape_debug).collect::<String>().replace("\\'", "'").replace("\\\"", "\"")
}
