//! Whether the bucket answers at all: before an object is called absent, the server has said so in the words of S3.
//!
//! A proxy whose server is away may answer 404 to everything. Such an answer says nothing of the object.

use tokio::time::Instant;

use super::bucket::Bucket;
use super::error::{Refusal, S3Error, classify};

impl Bucket {
    /// Makes sure that a refusal means that there is no such object.
    ///
    /// # Errors
    /// The refusal itself where it means something else; that of the bucket where it does not answer.
    pub async fn is_absence(&self, refusal: Refusal) -> Result<(), S3Error> {
        match refusal {
            Refusal::Missing => Ok(()),
            Refusal::Bare404 => self.answers().await,
            other => Err(other.into_error()),
        }
    }

    /// Makes sure that the bucket answers now: by a request that began after this call, which all who call meanwhile share.
    async fn answers(&self) -> Result<(), S3Error> {
        let asked = Instant::now();
        let mut last = self.last_answer.lock().await;
        if last.is_some_and(|began| began >= asked) {
            return Ok(());
        }
        let began = Instant::now();
        let head = self.client.head_bucket().bucket(self.name()).send().await;
        match head.map_err(|error| classify(&error)) {
            Ok(_) => {
                *last = Some(began);
                Ok(())
            }
            Err(Refusal::Missing) => Err(Refusal::Bare404.into_error()),
            Err(refusal) => Err(refusal.into_error()),
        }
    }
}
