//! Lists what lies under a prefix, a thousand keys with each request.

use aws_sdk_s3::types::EncodingType;
use euterpe_actors::storage::{ListedProblem, Page, is_key};
use tokio::sync::mpsc;

use super::bucket::Bucket;
use super::keys::decoded;
use super::trouble::{Trouble, refusal};

impl Bucket {
    /// Sends page after page until all was listed or nobody wants more.
    pub async fn list(&self, prefix: &str, pages: mpsc::Sender<Page>) -> Result<(), Trouble> {
        let Some(prefix) = self.keys.prefix(prefix) else { return Ok(()) };
        let mut from = None;
        loop {
            // Keys may hold what XML cannot.
            let ask =
                self.client.list_objects_v2().bucket(self.name()).prefix(&prefix).encoding_type(EncodingType::Url);
            let answer = ask.set_continuation_token(from).send().await;
            let answer = answer.map_err(|error| refusal(&error).into_trouble())?;
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
                    return Err(Trouble::unavailable("the server does not say how the listing goes on"));
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
}
