//! Folders that are written to without waiting for the disk.

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::{Location, Store};

use super::Warning;

const RULE: &str = "fsync";

/// What there is to say of the stores.
pub(super) fn warnings(plan: &Plan) -> Vec<Warning> {
    let is_written = |store: &&Store| {
        let mut outputs = plan.jobs.iter().flat_map(|job| &job.outputs);
        outputs.any(|output| output.store == store.name)
    };
    let unsafe_ones =
        plan.stores.iter().filter(|store| matches!(store.location, Location::Folder { fsync: false, .. }));
    let warning = |store: &Store| {
        let message = "with `fsync: false` a power cut may take outputs that already count as done, and no run makes them \
                       again by itself; leave it out, or run `runs check --hashes` after a power cut";
        Warning::new(RULE, plan, &format!("stores.{}.fsync", store.name), message.to_owned())
    };
    unsafe_ones.filter(is_written).map(warning).collect()
}
