//! The entities that verbs which list tell of.

use std::path::PathBuf;

use euterpe_engine::IdsFrom;

/// Of which entities something is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Entities {
    /// Of the entities of a file, one id in each line; `-` is standard input. By default of those in the graph's sources.
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,

    /// Of the entities whose ids begin so.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub prefix: String,
}

impl Entities {
    /// Where their ids come from.
    pub fn ids(&self) -> IdsFrom {
        match &self.ids {
            Some(path) if path.as_os_str() == "-" => IdsFrom::Stdin(false),
            Some(path) => IdsFrom::File(path.clone(), false),
            None => IdsFrom::Sources,
        }
    }
}
