//! Lists the objects under a prefix, a thousand with each request.

use aws_sdk_s3::types::EncodingType;
use euterpe_actors::storage::{ListedProblem, Page, is_key};
use tokio::sync::mpsc;

use super::bucket::Bucket;
use super::error::{S3Error, classify};
use super::keys::decoded;

impl Bucket {
    /// Sends page after page until all was listed or the receiver is gone.
    pub async fn list(&self, prefix: &str, pages: mpsc::Sender<Page>) -> Result<(), S3Error> {
        let Some(prefix) = self.keys.prefix(prefix) else { return Ok(()) };
        let mut from = None;
        loop {
            // Keys may hold characters that XML cannot.
            let ask =
                self.client.list_objects_v2().bucket(self.name()).prefix(&prefix).encoding_type(EncodingType::Url);
            let answer = ask.set_continuation_token(from).send().await;
            let answer = answer.map_err(|error| classify(&error).into_error())?;
            let encoded = answer.encoding_type() == Some(&EncodingType::Url);
            let mut page = Page::with_room_for(answer.contents().len());
            for key in answer.contents().iter().filter_map(|object| object.key()) {
                match encoded.then(|| decoded(key)) {
                    Some(Some(key)) => self.push(&mut page, &key),
                    Some(None) => page.push_parts("", key, Some(ListedProblem::NotUtf8)),
                    None => self.push(&mut page, key),
                }
            }
            if !page.is_empty() && pages.send(page).await.is_err() {
                return Ok(()); // the reader has seen enough
            }
            from = match (answer.is_truncated(), answer.next_continuation_token) {
                (Some(true), Some(next)) => Some(next),
                (Some(true), None) => {
                    return Err(S3Error::unavailable("the server does not say how the listing goes on"));
                }
                _ => return Ok(()),
            };
        }
    }

    fn push(&self, page: &mut Page, key: &str) {
        if let Some(path) = self.keys.path(key) {
            let problem = (!is_key(path)).then_some(ListedProblem::NoKey);
            page.push_parts("", path, problem);
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
