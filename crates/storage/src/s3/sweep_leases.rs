//! Removes old leases, of claims and of locks.

use std::time::Duration;

use super::bucket::Bucket;
use super::error::S3Error;
use crate::swept::Swept;

impl Bucket {
    /// Removes the leases below `prefix` that were not renewed for `age`; with `dry_run` they stay.
    pub async fn sweep_leases(&self, prefix: &str, age: Duration, dry_run: bool) -> Result<Swept, S3Error> {
        let mut swept = Swept::default();
        for name in self.names(prefix).await? {
            let key = self.keys.key(&name)?;
            let Some(seen) = self.see(&key, age).await?.filter(|seen| seen.is_old) else { continue };
            swept.files += 1;
            swept.bytes += seen.bytes;
            if !dry_run {
                self.clear(&key, seen).await?;
            }
        }
        Ok(swept)
    }
}
