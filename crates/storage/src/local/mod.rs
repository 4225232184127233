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
//! write, list, sweep      write and remove; walk (links: where they lead); remove temporary files of dead writers
//! folder                  look: keys, files, stamps
//! stamps                  on the file, or beside it
//! case, spelling          whether the folder tells `T` from `t`; whether what is found has just this name
//! root, mounts            open below the root only; what is mounted below it
//! file_system, successor  where a disk is mounted; whether another folder may take the place of the root
//! seen_marker             a store that was seen with its marker has one, and the same
//! disk                    all calls that change the disk
//! journal                 which temporary files a process is writing, for who comes after it was killed
//! empty_folder            where a disk may have been mounted
//! in_place, name_batch, reserved, settings, error
//! claims                  claims as files
//! ```

mod case;
mod claims;
mod disk;
mod empty_folder;
mod error;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod faults;
mod file_age;
mod file_system;
mod folder;
mod in_place;
mod journal;
mod linked_disks;
mod links;
mod list;
#[cfg(test)]
mod list_tests;
mod mounts;
mod name_batch;
mod open_path;
mod plain_folders;
mod reserved;
mod root;
mod seen_marker;
mod settings;
mod spelling;
mod stamps;
mod storage;
mod successor;
mod sweep;
#[cfg(test)]
mod tests;
mod write;

pub use claims::{FolderClaims, sweep_claims};
pub use empty_folder::empty_folder_above;
pub use journal::{Journal, sweep_journal};
pub use settings::LocalSettings;
pub use stamps::StampsIn;
pub use storage::LocalStorage;
