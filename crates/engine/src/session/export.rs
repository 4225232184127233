//! Export: what jobs made, as one table with a row for each entity.

use std::io::Write;

use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::ids::RunId;
use euterpe_actors::plan::JobIx;
use euterpe_actors::storage::StorageErrorKind;
use euterpe_tables::{
    Arrays, Cells, Draft, Format, Holds, JobColumns, Layout, OutputColumns, Piece, Row, TableError, Written,
};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Session;
use super::inventory::{Entry, InventoryRequest, Item, ItemOutput, ItemState};
use super::select::IdsFrom;
use crate::mistake::Mistake;

/// How many entities' outputs are read at once: each may take a bucket's time, and is in memory meanwhile.
const AT_ONCE: usize = 16;

/// What is put into a table.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// What these jobs made; all where none is named.
    pub jobs: Vec<String>,
    /// Of these entities.
    pub ids: IdsFrom,
    /// Of those whose ids begin so.
    pub prefix: String,
    /// Of those of which this run or a later one made something.
    pub since: Option<RunId>,
    /// How arrays stand in it.
    pub arrays: Arrays,
    /// Whether a column becomes text that is not of one type.
    pub loose: bool,
    /// The format.
    pub format: Format,
}

impl Session {
    /// Writes what jobs made into a table. Reads each output once; what does not fit into memory waits in a scratch file.
    ///
    /// # Errors
    /// [`Mistake`] for a job that is not there, and a format that this program does not have; values of one column that are
    /// not of one type; what keeps the stores from being read, and the table from being written.
    pub async fn export(&self, request: ExportRequest, to: &mut (dyn Write + Send)) -> anyhow::Result<Written> {
        request.format.check().map_err(|error| Mistake(error.to_string()))?;
        let jobs = self.jobs_by_name(&request.jobs)?;
        let layout = self.layout(&jobs, &request);
        let (parts, mut draft) = (layout.parts.clone(), Draft::new(layout, &self.workspace.walk_folder())?);
        let wanted = InventoryRequest {
            jobs: request.jobs.clone(),
            prefix: request.prefix.clone(),
            looks: true,
            ..InventoryRequest::default()
        };
        let mut inventory = self.inventory(&wanted, request.ids).await?;
        while let Some(mut entries) = inventory.next().await? {
            if let Some(since) = request.since {
                entries.retain(|entry| is_made_since(entry, since));
            }
            let rows: Vec<_> = entries.iter().map(|entry| self.row(&jobs, &parts, entry)).collect();
            let mut rows = stream::iter(rows).buffered(AT_ONCE);
            while let Some(row) = rows.try_next().await? {
                draft.add(row)?;
            }
        }
        if inventory.bad_names > 0 {
            tracing::warn!("{} names are no entities and have no row; `euterpe plan` shows one", inventory.bad_names);
        }
        drop(inventory); // what is known of the catalogue makes room for rows
        draft.write(request.format, to).map_err(|error| match error {
            error @ TableError::NoParquet => Mistake(error.to_string()).into(),
            error => error.into(),
        })
    }

    fn layout(&self, jobs: &[JobIx], request: &ExportRequest) -> Layout {
        let mut parts: Vec<String> = Vec::new();
        let columns = jobs.iter().map(|at| {
            let job = &self.workspace.plan.jobs[at.0];
            for part in job.form.names() {
                if !parts.contains(part) {
                    parts.push(part.clone());
                }
            }
            let output = |shape: euterpe_actors::transform::OutputShape| OutputColumns {
                name: if shape.name.is_empty() { job.name.to_string() } else { format!("{}.{}", job.name, shape.name) },
                holds: Holds::of_suffix(&shape.suffix),
            };
            JobColumns { name: job.name.to_string(), outputs: job.shapes().into_iter().map(output).collect() }
        });
        let jobs = columns.collect();
        Layout { parts, jobs, arrays: request.arrays.clone(), loose: request.loose }
    }

    /// The row of an entity: what its outputs hold is read.
    async fn row(&self, jobs: &[JobIx], parts: &[String], entry: &Entry) -> anyhow::Result<Row> {
        let nodes = &self.workspace.nodes;
        let mut row = Row { id: entry.entity.to_string(), parts: vec![None; parts.len()], jobs: Vec::new() };
        for at in jobs {
            let Some(item) = entry.items.iter().find(|item| item.at == *at) else {
                row.jobs.push(Cells::default());
                continue;
            };
            let form = &nodes.job(*at).form;
            if let Some(values) = form.split(&entry.entity) {
                for (name, value) in form.names().iter().zip(values.values()) {
                    if let Some(number) = parts.iter().position(|part| part == name) {
                        row.parts[number] = Some((*value).to_owned());
                    }
                }
            }
            row.jobs.push(self.cells(item).await?);
        }
        Ok(row)
    }

    async fn cells(&self, item: &Item) -> anyhow::Result<Cells> {
        let mut outputs = Vec::with_capacity(item.outputs.len());
        let mut state = item.state;
        for (output, plan) in item.outputs.iter().zip(&self.workspace.nodes.job(item.at).outputs) {
            let piece = self.piece(output, Holds::of_suffix(plan.key.suffix())).await?;
            if matches!(piece, Piece::Absent) && state == ItemState::Done {
                state = ItemState::Missing; // removed since it was listed
            }
            outputs.push(piece);
        }
        Ok(Cells { status: Some(state.name().to_owned()), reason: item.reason.clone(), outputs })
    }

    async fn piece(&self, output: &ItemOutput, holds: Holds) -> anyhow::Result<Piece> {
        if !output.there {
            return Ok(Piece::Absent);
        }
        if holds == Holds::Other {
            return Ok(Piece::Place(output.place.clone()));
        }
        let object = match self.workspace.stores.open(&output.key).await {
            Ok(object) => object,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(Piece::Absent),
            Err(error) => return Err(error.into()),
        };
        let content = object.content.clone();
        match on_blocking_thread(move || content.read()).await? {
            Ok(bytes) => Ok(Piece::Bytes(bytes.to_vec())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Piece::Absent), // removed since
            Err(error) => Err(anyhow::Error::from(error).context(format!("could not read {}", output.place))),
        }
    }
}

/// Whether a run or a later one made something that a row shows; what bears no run is told by its time.
fn is_made_since(entry: &Entry, since: RunId) -> bool {
    let is_since = |output: &ItemOutput| match (output.run, output.modified) {
        (Some(run), _) => run >= since,
        (None, Some(modified)) => modified >= since.millis(),
        (None, None) => false,
    };
    entry.items.iter().any(|item| item.outputs.iter().any(is_since))
}
