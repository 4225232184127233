//! That somebody asked this process to stop, for a verb that does one thing after the other: also between two of them.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::sync::watch;

use super::signals::interrupted;

/// Whether this process was asked to stop, from when this was made: by ctrl-c, SIGTERM, or the end of its terminal.
#[derive(Clone, Debug)]
pub struct Interrupts(watch::Receiver<bool>);

impl Interrupts {
    /// Listens from now on, on a thread of its own.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn listen() -> io::Result<Self> {
        let (asked, receiver) = watch::channel(false);
        when_interrupted(move || {
            asked.send_replace(true);
        })?;
        Ok(Self(receiver))
    }

    /// Whether it was asked.
    pub fn came(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked.
    pub async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Does something once this process is asked to stop, on a thread of its own, which listens from now on.
///
/// # Errors
/// No thread can be started.
pub fn when_interrupted(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (ready, is_ready) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("interrupts".into()).spawn(move || {
        runtime.block_on(async {
            let interrupted = interrupted();
            ready.send(()).ok(); // nobody waits for it any more where the process ends
            interrupted.await;
            act();
            std::future::pending::<()>().await // whoever listened goes on to
        });
    })?;
    is_ready.recv().map_err(io::Error::other)
}
