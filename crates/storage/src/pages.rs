//! Reads a listing while it goes on: one side sends pages, the other one uses them.

use std::future::Future;

use euterpe_actors::storage::{Page, StorageError};
use futures::future::{Either, select};
use tokio::sync::mpsc::{Sender, channel};

/// Calls `page` with what `listing` sends, until all was sent or `page` returns false; then the listing stops at its next page.
///
/// The end of the pages alone is no end of the listing: only its own word is.
///
/// # Errors
/// Those of the listing.
pub(crate) async fn read_pages<L>(
    listing: impl FnOnce(Sender<Page>) -> L,
    page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
) -> Result<(), StorageError>
where
    L: Future<Output = Result<(), StorageError>>,
{
    // Two pages may wait, so the next one is read while the first one is used.
    let (send, mut pages) = channel(2);
    let listing = Box::pin(listing(send));
    let reading = Box::pin(async {
        while let Some(next) = pages.recv().await {
            if !page(&next) {
                break;
            }
        }
        drop(pages);
    });
    match select(listing, reading).await {
        // A listing that failed before it began may never let go of its end of the channel.
        Either::Left((Err(error), _)) => Err(error),
        Either::Left((Ok(()), reading)) => {
            reading.await;
            Ok(())
        }
        Either::Right(((), listing)) => listing.await,
    }
}

#[cfg(test)]
mod tests {
    use euterpe_actors::storage::StorageErrorKind;

    use super::*;

    #[tokio::test]
    async fn a_listing_that_fails_before_it_begins_is_an_error_although_its_pages_never_end() {
        let mut kept = None;
        let listing = |send| {
            kept = Some(send); // as in the queue of a runtime that has no thread
            async { Err(StorageError::new(StorageErrorKind::Machine, "list", "", "no thread")) }
        };
        let error = read_pages(listing, &mut |_| true).await.expect_err("listed");
        assert_eq!(error.kind, StorageErrorKind::Machine);
    }

    #[tokio::test]
    async fn all_pages_are_read_and_none_after_the_reader_has_seen_enough() {
        for (most, expected) in [(9, 5), (3, 3)] {
            let listing = |send: Sender<Page>| async move {
                for _ in 0..5 {
                    if send.send(Page::default()).await.is_err() {
                        break;
                    }
                }
                Ok(())
            };
            let mut seen = 0;
            let mut page = |_: &Page| {
                seen += 1;
                seen < most
            };
            read_pages(listing, &mut page).await.expect("listed");
            assert_eq!(seen, expected);
        }
    }
}
