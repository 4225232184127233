//! What an S3 server's answer means: absence, a condition that does not hold, or trouble of a kind.

use std::fmt::Display;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use euterpe_actors::storage::{StorageError, StorageErrorKind};

/// Why a call did not do what it was for, in a sentence for people.
#[derive(Debug)]
pub(super) struct Trouble {
    pub kind: StorageErrorKind,
    pub text: String,
}

impl Trouble {
    pub fn new(kind: StorageErrorKind, text: impl Display) -> Self {
        Self { kind, text: text.to_string() }
    }

    pub fn unavailable(text: impl Display) -> Self {
        Self::new(StorageErrorKind::Unavailable, text)
    }

    pub fn into_error(self, action: &'static str, path: &str) -> StorageError {
        StorageError::new(self.kind, action, path, self.text)
    }
}

/// How a server declined.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No such object. A HEAD for an object of a bucket that is not there looks the same.
    Missing,
    /// A condition of the request does not hold, or somebody wrote to the key in this moment.
    Condition,
    /// The store has no such condition.
    NoConditions,
    /// Everything else.
    Trouble(Trouble),
}

impl Refusal {
    /// Takes every refusal for trouble: where neither absence nor a condition was asked for.
    pub fn into_trouble(self) -> Trouble {
        match self {
            Refusal::Missing => Trouble::new(StorageErrorKind::NotFound, "no such object"),
            Refusal::Condition => Trouble::unavailable("somebody else is writing to it"),
            Refusal::NoConditions => Trouble::unavailable("the store has no conditional requests"),
            Refusal::Trouble(trouble) => trouble,
        }
    }
}

/// Judges an error of any call.
pub(super) fn refusal<E>(error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(response) = error.raw_response() else {
        // Whatever happened on the way may not happen again: resets, timeouts, a name that is not known just now.
        return Refusal::Trouble(Trouble::unavailable(on_the_way(error)));
    };
    let status = response.status().as_u16();
    let code = error.code().unwrap_or_default();
    let said = match (code, error.message()) {
        ("", _) => format!("the server answered {status}"),
        (code, None | Some("")) => format!("{code} ({status})"),
        (code, Some(message)) => format!("{code}: {} ({status})", shortened(message)),
    };
    let of = |kind| Refusal::Trouble(Trouble::new(kind, &said));
    match (code, status) {
        ("NoSuchBucket", _) => Refusal::Trouble(Trouble::unavailable(format!("{said}: make the bucket first"))),
        ("NoSuchKey" | "NotFound" | "NoSuchUpload", _) | ("", 404) => Refusal::Missing,
        ("PreconditionFailed" | "ConditionalRequestConflict", _) | ("", 412) => Refusal::Condition,
        ("NotImplemented", _) | ("", 501) => Refusal::NoConditions,
        ("KeyTooLongError", _) => of(StorageErrorKind::BadKey),
        ("EntityTooLarge" | "QuotaExceeded" | "XMinioStorageFull" | "XMinioStorageQuotaExceeded", _) | (_, 507) => {
            of(StorageErrorKind::Full)
        }
        (_, 301 | 302 | 303 | 307 | 308) => Refusal::Trouble(Trouble::unavailable(format!(
            "{said}: the server sends its askers elsewhere{}, which is not followed; if the bucket is in another region, \
             name it with `region`, else name the right server with `endpoint`",
            response.headers().get("location").map_or_else(String::new, |to| format!(" (`{}`)", place(to)))
        ))),
        (_, 401 | 403) => of(StorageErrorKind::Denied),
        _ => of(StorageErrorKind::Unavailable),
    }
}

/// What went wrong without an answer.
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

/// The server of an address that another server told.
fn place(url: &str) -> String {
    let server = url.split_once("://").map_or(url, |(_, rest)| rest);
    let server = server.split(['/', '?', '#']).next().unwrap_or_default();
    shortened(server.rsplit_once('@').map_or(server, |(_, server)| server))
}

/// What somebody else's program says, in a length that a line can bear.
fn shortened(text: &str) -> String {
    text.chars().take(300).flat_map(char::escape_debug).collect::<String>().replace("\\'", "'").replace("\\\"", "\"")
}
