//! Draws graphs: a plan becomes a [`Picture`], and each kind of drawing is a pure function of that.

pub mod dot;
mod layout;
pub mod mermaid;
mod picture;
pub mod svg;
pub mod text;

pub use picture::{Count, Edge, Picture, Vertex};
