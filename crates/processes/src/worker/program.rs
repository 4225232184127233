//! The port between a launcher and the kinds of programs that speak the worker protocol.

use async_trait::async_trait;
use euterpe_actors::outcome::Fault;
use tokio::process::Command;

use crate::code_digest::Code;

/// How a program is started as a worker.
#[async_trait]
pub(crate) trait Program: Send + Sync {
    /// The command, with its arguments and its whole environment.
    ///
    /// # Errors
    /// There is no such program, or what it needs cannot be put in place.
    async fn command(&self) -> Result<Command, Fault>;

    /// Its own files below the graph's folder, with a digest that is the same on every machine that has the same files. Reads
    /// them, so it belongs on a thread that may wait.
    fn code(&self) -> Code;

    /// Bytes that change when the program does, as far as its own files and its place tell.
    fn fingerprint(&self) -> Vec<u8>;
}
