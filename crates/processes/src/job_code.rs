//! The code of one job: pinned once others are told of it, and compared before and after each work.
//!
//! A digest of all files at each work would cost too much where a work takes milliseconds. So only their inodes, sizes and
//! times are looked at, and the files are read again where one of these is other.

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::SystemTime,
};

use euterpe_actors::{
    blocking_threads::on_blocking_thread,
    node_trouble::remedy,
    outcome::{Fault, FaultKind},
};
use tokio::sync::watch;

use crate::code_digest::Code;
use crate::file_prints::{FilePrints, Lost};

/// So many files are looked at in place; of more, one may lie on a disk that is slow each time.
const FEW: usize = 16;

/// The code of a job, and whether the job can go on by it.
pub struct JobCode {
    /// What sentences call it: `transforms/tags.py:tags`.
    name: Arc<str>,
    read: Arc<dyn Fn() -> Code + Send + Sync>,
    pinned: OnceLock<Pinned>,
    /// Why no work can begin, once that is known.
    broken: watch::Sender<Option<Fault>>,
}

/// The code that others were told of.
struct Pinned {
    digest: String,
    files: Arc<[PathBuf]>,
    /// The files as they were when they last had this digest, where a change since would show.
    known: Mutex<Option<FilePrints>>,
}

impl JobCode {
    /// The code that `read` reads, on a thread that may wait.
    pub(crate) fn new(name: Arc<str>, read: impl Fn() -> Code + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { name, read: Arc::new(read), pinned: OnceLock::new(), broken: watch::Sender::new(None) })
    }

    /// The digest of the code, the same on every machine. From now on work is done only while the code is still this: others
    /// have been told what this process works with.
    pub fn pin(&self) -> String {
        let read = || {
            let Code { digest, files } = (self.read)();
            Pinned { digest, files: files.into(), known: Mutex::new(None) }
        };
        self.pinned.get_or_init(read).digest.clone()
    }

    /// Waits until it is known that no work can begin, and says why: messages had better stay in the queue then.
    pub async fn broken(&self) -> Fault {
        let mut broken = self.broken.subscribe();
        loop {
            if let Some(fault) = broken.borrow_and_update().clone() {
                return fault;
            }
            if broken.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// No work can begin, which is no fault of the entity that waits for it and may spend none of its tries. So this never
    /// returns, and whoever watches [`JobCode::broken`] ends the run or the node with the work untried.
    pub(crate) async fn give_up<T>(&self, why: Fault) -> T {
        self.broken.send_replace(Some(why));
        std::future::pending().await
    }

    /// Looks whether the files are still those that others were told of. Where they are others, this never returns
    /// ([`JobCode::give_up`]).
    ///
    /// # Errors
    /// A file is not there any more, as trouble of the node: it may come back.
    pub(crate) async fn still_holds(&self) -> Result<(), Fault> {
        let Some(pinned) = self.pinned.get().filter(|pinned| !pinned.files.is_empty()) else { return Ok(()) };
        let seen = match pinned.files.len() <= FEW {
            true => FilePrints::of(&pinned.files),
            false => {
                let files = pinned.files.clone();
                on_blocking_thread(move || FilePrints::of(&files)).await.map_err(|error| self.unread(&error))?
            }
        };
        let seen = seen.map_err(|lost| self.lost(&lost))?;
        if pinned.known.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&seen) {
            return Ok(());
        }
        match self.compare().await {
            Err(fault) if fault.kind == FaultKind::Fatal => self.give_up(fault).await,
            compared => compared,
        }
    }

    /// Makes sure that the code is still what others were told, by its content and with files that are new.
    ///
    /// # Errors
    /// It is other code. A file is not there any more, or the machine could not read it, as trouble of the node.
    pub(crate) async fn compare(&self) -> Result<(), Fault> {
        let Some(pinned) = self.pinned.get() else { return Ok(()) };
        let (read, files) = (self.read.clone(), pinned.files.clone());
        let look = move || -> Result<_, Lost> {
            let taken = SystemTime::now();
            let prints = FilePrints::of(&files)?;
            let digest = read().digest;
            // One that went meanwhile, or may not be read any more, makes no other code.
            files.iter().try_for_each(|file| File::open(file).map(drop).map_err(Lost::of(file)))?;
            Ok((digest, prints.would_tell(taken).then_some(prints)))
        };
        // The files may lie on a slow disk, and this thread runs all actors.
        let looked = on_blocking_thread(look).await.map_err(|error| self.unread(&error))?;
        let (digest, prints) = looked.map_err(|lost| self.lost(&lost))?;
        if digest != pinned.digest {
            let name = &self.name;
            return Err(Fault::fatal(format!("the code of `{name}` changed since this process began; start it anew")));
        }
        *pinned.known.lock().unwrap_or_else(PoisonError::into_inner) = prints;
        Ok(())
    }

    fn unread(&self, error: &std::io::Error) -> Fault {
        Fault::of_io(format!("the code of `{}` was not read", self.name), error)
    }

    fn lost(&self, Lost { file, error }: &Lost) -> Fault {
        let remedy = remedy(error).unwrap_or("put it back as it was when this process began");
        let file = file.display();
        Fault::node_trouble(format!(
            "`{file}` of the code of `{}` cannot be read: {error}; {remedy}, and the work goes on",
            self.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use futures::FutureExt;

    use super::*;
    use crate::code_digest::CodeDigest;

    /// The code in the file `tool` of a folder, and how often it was read.
    fn of(folder: &Path) -> (Arc<JobCode>, Arc<Mutex<u32>>) {
        let (folder, count) = (folder.to_owned(), Arc::new(Mutex::new(0)));
        let counted = count.clone();
        let code = JobCode::new("tool".into(), move || {
            *counted.lock().expect("not poisoned") += 1;
            let mut files = CodeDigest::from(&folder);
            files.add(["./tool"]);
            files.code()
        });
        (code, count)
    }

    #[tokio::test]
    async fn files_are_read_again_only_where_a_look_does_not_tell_that_they_are_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let (code, count) = of(folder.path());
        let read = || *count.lock().expect("not poisoned");
        fs::write(folder.path().join("tool"), "one").expect("written");
        code.still_holds().await.expect("nobody was told yet");
        assert_eq!(read(), 0);
        code.pin();
        code.still_holds().await.expect("it holds");
        assert_eq!(read(), 2, "at first, and for it is so new that a change may not show");
        let pinned = code.pinned.get().expect("pinned");
        *pinned.known.lock().expect("not poisoned") = Some(FilePrints::of(&pinned.files).expect("it is there"));
        code.still_holds().await.expect("it holds");
        assert_eq!(read(), 2);
        fs::write(folder.path().join("new"), "one").expect("written");
        fs::rename(folder.path().join("new"), folder.path().join("tool")).expect("renamed");
        code.still_holds().await.expect("another file of the same code");
        assert_eq!(read(), 3);
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_trouble_until_it_is_back_and_other_code_is_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let (code, _) = of(folder.path());
        let (tool, away) = (folder.path().join("tool"), folder.path().join("away"));
        fs::write(&tool, "one").expect("written");
        code.pin();
        fs::rename(&tool, &away).expect("renamed");
        for fault in [code.still_holds().await, code.compare().await].map(|gone| gone.expect_err("it is gone")) {
            assert_eq!(fault.kind, FaultKind::NodeTrouble, "{fault}");
            assert!(fault.text.contains("put it back as it was"), "{fault}");
        }
        fs::rename(&away, &tool).expect("renamed");
        code.still_holds().await.expect("it is back");
        assert!(code.broken().now_or_never().is_none());
        fs::write(&tool, "two").expect("written");
        let looking = tokio::time::timeout(Duration::from_secs(60), code.still_holds());
        tokio::select! {
            biased;
            held = looking => panic!("a try ends: {held:?}"),
            why = code.broken() => assert!(why.text.contains("the code of `tool` changed since this process"), "{why}"),
        }
    }
}
