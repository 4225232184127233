//! Drawings of a graph.
//!
//! A plan becomes a [`Picture`], and each drawing is a pure function of that: text tree, DOT, Mermaid, SVG.

pub mod dot;
mod layout;
pub mod mermaid;
mod picture;
pub mod svg;
pub mod text;

pub use picture::{Count, Edge, Picture, Vertex};
