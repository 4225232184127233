//! Lists the objects under a prefix, a thousand with each request.

use std::collections::HashSet;

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use euterpe_actors::storage::{Dates, ListedProblem, Page, is_key};
use tokio::sync::mpsc;
use xxhash_rust::xxh3::xxh3_64;

use super::bucket::Bucket;
use super::error::{Refusal, S3Error, classify};
use super::keys::decoded_bytes;

impl Bucket {
    /// Sends page after page until all was listed or the receiver is gone.
    pub async fn list(&self, prefix: &str, pages: mpsc::Sender<Page>) -> Result<(), S3Error> {
        let Some(prefix) = self.keys.prefix(prefix) else { return Ok(()) };
        let mut from: Option<String> = None;
        // The tokens so far, each as a fingerprint: of fifty million objects, 400 kB.
        let mut tokens = HashSet::new();
        loop {
            // Keys may hold characters that XML cannot.
            let ask =
                self.client.list_objects_v2().bucket(self.name()).prefix(&prefix).encoding_type(EncodingType::Url);
            let answer = ask.set_continuation_token(from).send().await;
            let answer = answer.map_err(|error| not_listed(classify(&error)))?;
            let encoded = answer.encoding_type() == Some(&EncodingType::Url);
            let mut page = Page::with_room_for(answer.contents().len());
            for object in answer.contents() {
                let Some(key) = object.key() else { continue };
                let dates = dates(object.last_modified());
                match encoded.then(|| decoded_bytes(key).map(String::from_utf8)) {
                    Some(Some(Ok(key))) => self.push(&mut page, &key, dates),
                    Some(Some(Err(key))) => {
                        if let Some(path) = self.keys.path_as_text(key.as_bytes()) {
                            page.push_parts("", &path, Some(ListedProblem::NotUtf8));
                        }
                    }
                    Some(None) => page.push_parts("", key, Some(ListedProblem::NotUtf8)), // no encoding of anything
                    None => self.push(&mut page, key, dates),
                }
            }
            if !page.is_empty() && pages.send(page).await.is_err() {
                return Ok(()); // the reader has seen enough
            }
            from = match (answer.is_truncated(), answer.next_continuation_token) {
                // It would never end, and count each object again and again.
                (Some(true), Some(next)) if !tokens.insert(xxh3_64(next.as_bytes())) => {
                    return Err(S3Error::unavailable("the server repeats one part of the listing without end"));
                }
                (Some(true), Some(next)) => Some(next),
                (Some(true), None) => {
                    return Err(S3Error::unavailable("the server does not say how the listing goes on"));
                }
                _ => return Ok(()),
            };
        }
    }

    fn push(&self, page: &mut Page, key: &str, dates: Dates) {
        if let Some(path) = self.keys.path(key) {
            let problem = (!is_key(path)).then_some(ListedProblem::NoKey);
            page.push_dated("", path, problem, dates);
        }
    }

    /// The paths of all objects of the store that start with `prefix`.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, S3Error> {
        let (send, mut pages) = mpsc::channel::<Page>(2);
        let gathering = async {
            let mut names = Vec::new();
            while let Some(page) = pages.recv().await {
                names.extend(page.paths().map(str::to_owned));
            }
            names
        };
        let (listed, names) = futures::join!(self.list(prefix, send), gathering);
        listed.map(|()| names)
    }
}

/// The time of an object: a server knows one only, that at which it came.
fn dates(modified: Option<&DateTime>) -> Dates {
    let nanos = modified.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or(0);
    Dates { written: nanos, arrived: nanos }
}

/// A listing of nothing is an empty one; 404 is no such answer.
fn not_listed(refusal: Refusal) -> S3Error {
    match refusal {
        Refusal::Missing => Refusal::Bare404.into_error(),
        refusal => refusal.into_error(),
    }
}
