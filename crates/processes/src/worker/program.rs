//! The port between a launcher and the kinds of programs that speak the worker protocol.

use async_trait::async_trait;
use euterpe_actors::outcome::Fault;
use tokio::process::Command;

/// How a program is started as a worker.
#[async_trait]
pub(crate) trait Program: Send + Sync {
    /// The command, with its arguments and its whole environment.
    ///
    /// # Errors
    /// There is no such program, or what it needs cannot be put in place.
    async fn command(&self) -> Result<Command, Fault>;

    /// Bytes that change when the program does, as far as its own files tell.
    fn fingerprint(&self) -> Vec<u8>;
}
