//! The graph file of Euterpe: read, checked, turned into a [`Plan`], drawn.
//!
//! ```text
//! text ──tree──▶ values with positions ──substitute──▶ variables filled in ──read──▶ written form ──check──▶ plan
//! ```
//!
//! A person wants to see all problems at once. So every step adds its problems to the same findings and goes on with
//! whatever is right; [`load()`] returns either a plan or a page of [`Problems`], each with its position and a remedy.
//!
//! The files, each line using only the lines below it:
//!
//! ```text
//! load                    read the text, take it through all steps
//! drawing, show, schema   a plan as text, DOT, Mermaid or SVG; as YAML with every value; the file format as JSON Schema
//! check                   written form -> plan: one file for each kind of rule
//! read                    tree -> written form; unknown keys and wrong shapes are problems
//! substitute, scalar      `${VAR}`; what a plain value means
//! tree                    YAML -> values with positions, within limits
//! written                 the file as written: shapes and units read, nothing resolved
//! plan, cases, location,
//! glob                    the file as meant: jobs in order; its own tests; folders and buckets
//! surroundings            transforms, variables and flags that a file is read against
//! order, units            parents before children; `10m` and `512MiB`
//! variables               which of the environment are for which store
//! places                  where each key of the file stands
//! problem, position, wording
//! addresses               secrets in addresses, masked
//! ```
//!
//! It never reaches a network and runs no transform: the transforms' own checks of their options come with the registry
//! ([`euterpe_actors::transform::Registry`]).

mod addresses;
pub mod cases;
mod check;
pub mod drawing;
pub mod glob;
mod load;
mod location;
mod order;
mod places;
pub mod plan;
mod position;
mod problem;
mod read;
mod scalar;
pub mod schema;
pub mod show;
mod substitute;
mod surroundings;
mod tree;
pub mod units;
mod variables;
mod wording;
mod written;

pub use addresses::masked_address;
pub use load::{check_text, load};
pub use places::Places;
pub use plan::Plan;
pub use position::Position;
pub use problem::{Problem, Problems, page};
pub use surroundings::{Environment, Surroundings};
pub use variables::idle_variables;
