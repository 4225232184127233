//! Where the ids of verbs that list come from.

use std::path::Path;

use euterpe_engine::IdsFrom;

/// The ids of a file, of standard input for `-`, or of the graph's sources where none is named.
pub fn ids_of(file: Option<&Path>) -> IdsFrom {
    match file {
        Some(path) if path.as_os_str() == "-" => IdsFrom::Stdin(false),
        Some(path) => IdsFrom::File(path.to_owned(), false),
        None => IdsFrom::Sources,
    }
}
