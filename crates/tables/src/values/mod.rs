//! What a cell holds: read from JSON and from `.npy`, kept in a scratch file, looked at.

pub mod array;
pub mod npy;
pub mod record;
pub mod summary;
pub mod value;
pub mod view;
