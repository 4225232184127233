//! Objects as files below a folder, each visible whole or not at all.
//!
//! A key is the path of the file below the root. The stamp is the extended attribute `user.euterpe.stamp` of the file
//! (`stamps`), so that it becomes visible together with the content, and survives a move within a file system.
//! Links are followed as long as they stay below the root (`root`). Folders that became empty stay.
//!
//! Looking is four short system calls on metadata that is nearly always cached (a few us), so it is done on the caller's
//! thread; handing it to another thread would cost ten times as much. What waits for a disk (writing, removing,
//! listing) runs on tokio's blocking threads.
//!
//! ```text
//! storage                 the store: the port, and which calls run on which thread
//! write, list, sweep      write and remove; walk; remove temporary files of dead writers
//! folder                  look: keys, files, stamps
//! stamps                  on the file, or beside it
//! root, disk              open below the root only; all calls that change the disk
//! in_place, name_batch, reserved, settings, error
//! claims                  claims as files
//! ```

mod claims;
mod disk;
mod error;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod faults;
mod folder;
mod in_place;
mod list;
mod name_batch;
mod reserved;
mod root;
mod settings;
mod stamps;
mod storage;
mod sweep;
#[cfg(test)]
mod tests;
mod write;

pub use claims::{FolderClaims, sweep_claims};
pub use settings::LocalSettings;
pub use stamps::StampsIn;
pub use storage::LocalStorage;
