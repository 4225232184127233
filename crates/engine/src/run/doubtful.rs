//! Entities whose outputs may be out of date, as far as times tell it: they are looked at before anything is sent.

use std::sync::Arc;

use euterpe_actors::ids::RunId;
use euterpe_actors::memory::Glance;
use euterpe_actors::message::Force;
use euterpe_actors::out_of_date::OutOfDate;
use euterpe_actors::plan::JobIx;
use futures::stream::{self, StreamExt};

use super::addressing::{Address, Addressed, Addresses};
use super::found::Found;
use super::running::Running;
use super::sink::Sink;

/// How many entities are looked at at once.
const AT_ONCE: usize = 32;

/// By so much the clock of a store may differ from that of this machine, in milliseconds.
const CLOCKS_DIFFER: u64 = 60_000;

/// What is known of an entity before it is sent.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) is_finished: bool,
    pub(super) out_of_date: Vec<(JobIx, OutOfDate)>,
}

/// Before when what the listings of a run showed had come for sure, in nanoseconds after the Unix epoch, also where the store has
/// another clock.
fn known_before(run: RunId) -> u64 {
    run.millis().saturating_sub(CLOCKS_DIFFER) * 1_000_000
}

/// Which entities of a batch are finished, as far as times tell it. Those whose outputs may be out of date are looked at.
pub(super) async fn look_at_doubtful(
    sink: &Sink<'_>,
    addresses: &Addresses,
    batch: &[Found],
) -> anyhow::Result<Vec<Seen>> {
    let mut seen = vec![Seen::default(); batch.len()];
    let Running { manifest, presence, dates: Some(dates), .. } = sink.running else { return Ok(seen) };
    if manifest.selection.ping {
        return Ok(seen);
    }
    let workspace = sink.workspace;
    let mut doubtful = Vec::new();
    for (number, found) in batch.iter().enumerate() {
        let (entity, to, written) = match found {
            Found::Addressed(found) => (&found.entity, found.to.clone(), &found.written),
            Found::Id(entity, written) => match addresses.of(&workspace.nodes, &manifest.selection, entity) {
                Ok(to) => (entity, to, written),
                Err(_) => continue, // told where it is taken
            },
            _ => continue,
        };
        match dates.take_stock(&workspace.nodes, presence, &to.required, entity) {
            Glance::UpToDate => seen[number].is_finished = manifest.selection.force == Force::None,
            Glance::Doubtful => {
                if let Some(written) = written {
                    workspace.state.note_name(entity, written);
                }
                doubtful.push((number, entity.clone(), to));
            }
            Glance::NotDoubtful => {}
        }
    }
    let asked = (manifest.selection.force.clone(), manifest.selection.refresh.as_ref());
    let view = workspace.refreshing_view(manifest.run, asked, Some(presence.clone())).await?;
    let looks = doubtful.into_iter().map(|(number, entity, to)| {
        let view = &view;
        async move {
            let is_finished = view.is_finished(&to.required, &entity).await;
            let mut out_of_date = Vec::new();
            for at in to.required.iter().filter(|_| !is_finished) {
                // Trouble of a store is told by the work; what was declined stays as it is.
                let why = view.out_of_date(*at, &entity).await.ok().flatten();
                if let Some(why) = why
                    && matches!(view.standing_skip(*at, &entity).await, Ok(None))
                {
                    out_of_date.push((*at, why));
                }
            }
            if !out_of_date.is_empty() {
                // What lies above is looked at by the work, too: a listing may have told otherwise.
                view.known.iter().for_each(|known| known.forget_made(&view.plan, &to.required, &entity));
            }
            (number, to, Seen { is_finished, out_of_date })
        }
    });
    let looked: Vec<(usize, Arc<Address>, Seen)> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    for (number, to, one) in looked {
        if let (true, Found::Addressed(Addressed { entity, .. }) | Found::Id(entity, _)) =
            (one.is_finished, &batch[number])
        {
            dates.confirm(&workspace.nodes, &to.required, entity, known_before(manifest.run));
        }
        seen[number] = one;
    }
    Ok(seen)
}
