//! Claims as files in a folder that all nodes share: `claims/<job>/<entity>` in the state folder.
//!
//! A claim is a file that only one node can make. Its owner renews it by setting its time of change. Its age goes by the
//! clock of the file system, which may be another machine's: the time of the claim is compared with that of a file that was
//! touched in the same folder just now. The content of a claim is for people, so it needs no fsync; a claim that a power cut
//! takes away is one that no running process has any more.
//!
//! Whoever removes a claim, its owner or a node that takes it over, first locks *that file* (the system's lock, which ends
//! with the process) and then makes sure that it still lies under its name. So of many nodes that take over at once one
//! removes it, nobody removes what a successor made, and of the nodes that then find the name free one makes the next claim.
//! Its owner removes it by keeping the file for its next claim.

mod clock;
mod file;
mod folder_claims;
mod spares;
mod sweep;
mod system;
#[cfg(test)]
mod tests;

pub use folder_claims::FolderClaims;
pub use sweep::sweep_claims;
