//! What a table is made of: jobs with their outputs, and for each row what these hold.

use crate::values::summary::Statistic;

/// What a table is made of.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The names of the parts of ids; none where ids have no parts.
    pub parts: Vec<String>,
    /// The jobs whose outputs are in it.
    pub jobs: Vec<JobColumns>,
    /// How arrays stand in it.
    pub arrays: Arrays,
    /// Whether a column becomes text that is not of one type.
    pub loose: bool,
}

/// The columns of one job.
#[derive(Clone, Debug)]
pub struct JobColumns {
    /// Its name.
    pub name: String,
    /// Its outputs.
    pub outputs: Vec<OutputColumns>,
}

/// The columns of one output.
#[derive(Clone, Debug)]
pub struct OutputColumns {
    /// What its columns are called by: `mood`, or `mood.chart` where the job has several.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
}

/// What an output holds, as its suffix says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// JSON.
    Json,
    /// An array as numpy writes it.
    Npy,
    /// Anything else: only its place stands in the table.
    Other,
}

impl Holds {
    /// By the suffix of a key.
    pub fn of_suffix(suffix: &str) -> Self {
        match suffix {
            "json" => Holds::Json,
            "npy" => Holds::Npy,
            _ => Holds::Other,
        }
    }
}

/// How arrays stand in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrays {
    /// As lists, nested as deep as they have dimensions.
    Lists,
    /// As these numbers, each a column.
    Summaries(Vec<Statistic>),
}

/// One entity.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The parts of its id, as many as the layout names.
    pub parts: Vec<Option<String>>,
    /// What each job has for it, as many as the layout names.
    pub jobs: Vec<Cells>,
}

/// What a job has for an entity.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    /// The state of its outputs; none where the job does not take the entity.
    pub status: Option<String>,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// What its outputs hold, as many as the layout names.
    pub outputs: Vec<Piece>,
}

/// What an output holds for an entity.
#[derive(Clone, Debug, Default)]
pub enum Piece {
    /// It is not there.
    #[default]
    Absent,
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Where it lies, where its bytes are not looked at.
    Place(String),
}
