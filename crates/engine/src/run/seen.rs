//! What nodes reported as done is looked for in this process's own stores before a run is called done: a report is no
//! proof.

use anyhow::ensure;
use euterpe_actors::accounting::TargetStatus;

use super::running::Running;
use super::statuses::{Batch, Statuses, sight};
use crate::workspace::Workspace;

/// How many that were not seen are named.
const NAMED: usize = 3;

/// Counts as open what was reported as done and is not there; how many targets that are.
///
/// # Errors
/// What keeps the stores or the records from being read; a record of ids that makes no sense, for nobody knows what became of
/// those that stood in it.
pub async fn look_for_what_is_done(workspace: &Workspace, running: &Running) -> anyhow::Result<u64> {
    let sight = sight(workspace, &running.manifest).await?;
    let mut statuses = Statuses::open(workspace, &sight, &running.manifest).await?;
    let (mut unseen, mut named, mut unreadable) = (0, Vec::new(), 0);
    while let Some(batch) = running.keep_record(async || statuses.next().await).await? {
        let Batch::Entities(some) = batch else {
            unreadable += 1;
            continue;
        };
        for (entity, standings) in some {
            for (at, _) in standings.iter().filter(|(_, standing)| *standing == TargetStatus::Open) {
                unseen += 1;
                running.tracker.is_not_there(*at);
                if named.len() < NAMED {
                    named.push(format!("{}({entity})", workspace.nodes.job(*at).name));
                }
            }
        }
    }
    if unseen > 0 {
        tracing::error!(
            target: "euterpe::run",
            "reported as ended, and neither an output nor a record is in the stores: {}{}; a node wrote elsewhere, or somebody \
             removed it or exchanged the folder",
            named.join(", "),
            if unseen > NAMED as u64 { format!(" and {} more", unseen - NAMED as u64) } else { String::new() },
        );
    }
    ensure!(
        unreadable == 0,
        "{unreadable} of the records of this run's ids cannot be read, so it is not known whether all that was reported as \
         done is there; `euterpe runs check` tells of the others, and the same ids in a new run make what is missing"
    );
    Ok(unseen)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use euterpe_actors::ids::EntityId;
    use euterpe_actors::memory::Presence;
    use euterpe_actors::state::{Selection, chunk_key};
    use euterpe_graph_file::{Surroundings, check_text};

    use super::*;
    use crate::builtin;
    use crate::workspace::{Access, Opening};

    #[tokio::test]
    async fn a_record_of_ids_that_cannot_be_read_is_not_taken_for_one_whose_outputs_are_there() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("src")).expect("made");
        let graph = "version: 1\ngraph: g\nstores: {src: ./src, out: ./out}\njobs:\n  \
            a: {use: json.merge, in: {x: \"src:{id}.json\"}, out: \"out:{id}.json\"}\n";
        let registry = builtin::registry();
        let around = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
        let plan = check_text(graph, &folder.path().join("g.yaml"), around).expect("a good graph");
        let opening = Opening { access: Access::Hold, ..Opening::default() };
        let workspace = Workspace::open(plan, &registry, &opening).expect("opened");
        let run = workspace.next_run().await.expect("a run");
        let manifest = workspace.manifest(run, Selection::default());
        workspace.state.begin_run(&manifest).await.expect("begun");
        let ids = [EntityId::new("x").expect("an id")];
        workspace.state.add_entities(run, 0, &ids).await.expect("added");
        std::fs::write(folder.path().join("out/x.json"), "{}").expect("made");
        let running = Running::new(&workspace, manifest, Arc::new(Presence::up_to(10)), true);
        assert_eq!(look_for_what_is_done(&workspace, &running).await.expect("looked"), 0);
        std::fs::write(folder.path().join(".euterpe/g").join(chunk_key(run, 0)), "x\ntorn").expect("torn");
        let error = look_for_what_is_done(&workspace, &running).await.expect_err("passed over");
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
}
