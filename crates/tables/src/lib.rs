//! Tables of what a graph made: JSON flattened, arrays listed or summed up, and types that hold for every row.
//!
//! ```text
//! rows, in any number ──▶ Draft: learns the columns and their types, keeps the rows in a scratch file
//! at their end        ──▶ Draft::write: the rows once more, as Parquet, CSV or JSON Lines
//! ```
//!
//! Memory holds the columns and some rows, never all rows.
//!
//! | folder | what |
//! |---|---|
//! | `values` | what a cell holds: read from JSON and `.npy`, kept in the scratch file, looked at |
//! | `learn` | which columns there are, and of what type |
//! | `write` | rows as Parquet, CSV, JSON Lines |

mod draft;
mod error;
mod layout;
mod learn;
mod spool;
mod values;
mod write;

pub use draft::{Draft, Written};
pub use error::TableError;
pub use layout::{Arrays, Cells, Holds, JobColumns, Layout, OutputColumns, Piece, Row};
pub use values::array::{Array, Data};
pub use values::npy::read as read_npy;
pub use values::summary::Statistic;
pub use write::Format;
