//! What keeps a table from being written.

use std::io;

use thiserror::Error;

/// Why there is no table.
#[derive(Debug, Error)]
pub enum TableError {
    /// Two entities hold something under one column that is not of one type.
    #[error(
        "column `{column}`: `{entity}` has {found}, and `{first}` has {known}; --loose makes such a column text, else mend one of the \
         two"
    )]
    Clash {
        /// The column.
        column: String,
        /// The entity that does not fit.
        entity: String,
        /// What it has.
        found: String,
        /// The first entity with what is known.
        first: String,
        /// What is known.
        known: String,
    },
    /// The keys of JSON outputs are no fixed set of names.
    #[error(
        "`{output}` has more than {most} columns with `{entity}`: are the keys of its objects ids or numbers? leave the job out, or have \
         it write lists"
    )]
    TooWide {
        /// The output.
        output: String,
        /// The entity with one too many.
        entity: String,
        /// How many there may be.
        most: usize,
    },
    /// Rows that do not fit into memory could not be put aside.
    #[error("the rows of the table could not be kept in a scratch file in {place}: {source}; make room there")]
    Scratch {
        /// The folder.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// The table itself could not be written.
    #[error("could not write the table: {0}")]
    Write(#[from] io::Error),
    /// This program has no Parquet.
    #[error(
        "this program was built without the feature `parquet`, so it writes no Parquet; write .csv or .jsonl, or build it with `cargo \
         install --features parquet`"
    )]
    NoParquet,
}
