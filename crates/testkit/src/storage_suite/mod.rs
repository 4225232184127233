//! What every store must do: one suite for the storage port, run by each adapter.
//!
//! An adapter's tests hold one line, which becomes a test for each case:
//!
//! ```
//! # #[cfg(test)]
//! # mod tests {
//! euterpe_testkit::storage_suite!({ (std::sync::Arc::new(MemoryStorage::default()), ()) });
//! # }
//! ```
//!
//! The expression makes an empty store, and a value that is kept until the case is over (a temporary folder, a server).

pub mod listing;
pub mod objects;
pub mod stamps;

use std::{future::Future, sync::Arc};

use bytes::Bytes;

use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::storage::{Content, Stamp, Storage, StorageError};

/// Makes one test of each case of the suite, over what the expression makes: `(Arc<dyn Storage>, guard)`.
#[macro_export]
macro_rules! storage_suite {
    ($make:expr) => {
        $crate::storage_suite!(@group objects, $make;
            what_was_stored_is_seen_at_once_and_read_back_whole,
            what_is_missing_is_not_there_to_look_at_and_not_found_to_open,
            a_removed_object_is_gone_and_removing_it_again_is_no_error,
            a_key_that_no_store_can_have_is_refused_by_every_call,
            an_object_may_be_empty,
            sixteen_mebibytes_are_stored_from_a_file_that_stays_as_it_was,
            a_content_that_is_gone_is_told_and_leaves_no_object,
            a_message_shows_a_key_cut_and_escaped,
            odd_characters_are_kept_and_kept_apart,
            a_key_may_be_long,
            a_reader_sees_one_whole_version_while_writers_replace_it
        );
        $crate::storage_suite!(@group stamps, $make;
            a_stamp_is_kept_and_its_hash_filled_in,
            an_object_without_a_stamp_is_foreign,
            a_stamp_of_a_hundred_ancestors_is_kept,
            what_an_object_was_made_from_is_kept_however_long_its_stamp_is,
            an_older_run_never_replaces_a_newer_one,
            an_older_ancestor_never_replaces_a_newer_one,
            what_was_seen_may_be_replaced_and_nothing_else,
            of_many_writers_at_once_the_greatest_run_stays
        );
        $crate::storage_suite!(@group listing, $make;
            a_listing_shows_each_object_once,
            a_listing_goes_by_the_text_before_which_may_end_within_a_segment,
            a_listing_ends_when_its_reader_has_seen_enough,
            a_listing_of_an_empty_store_is_empty,
            a_listing_tells_when_each_object_was_written_and_came,
            what_is_half_written_is_never_listed
        );
    };
    (@group $group:ident, $make:expr; $($case:ident),+) => {
        mod $group {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[tokio::test]
                async fn $case() {
                    let (store, _kept_until_the_end) = $make;
                    $crate::storage_suite::$group::$case(store).await;
                }
            )+
        }
    };
}

/// The run that started at `millis`.
fn run(millis: u64) -> RunId {
    RunId::new(1_795_415_412_000 + millis, 0)
}

fn job(name: &str) -> JobName {
    JobName::new(name).expect("a plain name")
}

/// A stamp of the job `mel` by the run of `mel`, over an ancestor `pcm` by the run of `pcm`.
fn stamp(mel: u64, pcm: u64) -> Stamp {
    let runs = [(job("mel"), run(mel)), (job("pcm"), run(pcm))].into_iter().collect();
    Stamp { job: job("mel"), runs: Arc::new(runs), entity: None, hash: String::new(), making: None }
}

fn bytes(content: impl Into<Vec<u8>>) -> Content {
    Content::Bytes(Bytes::from(content.into()))
}

/// The content of an object, read now.
async fn read(store: &dyn Storage, path: &str) -> Result<Bytes, StorageError> {
    let object = store.open(path).await?;
    Ok(object.content.read().unwrap_or_else(|e| panic!("`{path}` was opened and cannot be read: {e}")))
}

/// All the paths that a listing shows, in order.
async fn list(store: &dyn Storage, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    store
        .list(prefix, &mut |page| {
            found.extend(page.paths().map(str::to_owned));
            true
        })
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    found.sort();
    found
}

/// Runs the work on a thread and a runtime of its own, so that the writers of a case truly run at once.
fn on_thread<F, W>(store: &Arc<dyn Storage>, work: W) -> std::thread::JoinHandle<()>
where
    F: Future<Output = ()>,
    W: FnOnce(Arc<dyn Storage>) -> F + Send + 'static,
{
    let store = store.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work(store));
    })
}
