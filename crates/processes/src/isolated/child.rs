//! A child of this binary as the node sees it: it opens one transform, then answers one request after the other.

use std::time::Duration;

use euterpe_actors::outcome::{Fault, FaultKind};
use serde::Serialize;
use tokio::process::Command;

use super::protocol::{LONGEST, Reply, Request, TransformSpec};
use crate::supervised::{self, Socket, WaitError, describe_exit, encode};

/// The hidden verb by which this binary serves as such a child; the number of the node's process follows.
pub const ISOLATED_VERB: &str = "__transform";

/// A child that holds a transform. Dropped, it is killed with all that it started.
pub(super) struct Child {
    supervised: supervised::Child,
    transform: String,
}

impl Child {
    /// Starts a child and lets it open its transform.
    pub(super) async fn start(spec: &TransformSpec) -> Result<Self, Fault> {
        // Not by its name: the file may have been replaced since this process was started.
        let mut command = Command::new("/proc/self/exe");
        command.arg(ISOLATED_VERB).arg(std::process::id().to_string());
        // No limit to be measured here: the child limits its own address space, so that an allocation fails at once.
        let supervised = supervised::Child::spawn(command, Socket::Stdin, LONGEST, None, None)
            .map_err(|error| Fault::of_io("could not start a child process", &error))?;
        let mut child = Self { supervised, transform: spec.transform.clone() };
        match child.ask(spec).await? {
            Reply::Ready => Ok(child),
            Reply::Fault(fault) => Err(fault),
            Reply::Done(_) => Err(Fault::fatal("the child process answered out of turn")),
        }
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        self.supervised.is_running()
    }

    /// How many requests it was given.
    pub(super) fn served(&self) -> u64 {
        self.supervised.served
    }

    /// Has one request answered. An error is the death of the child, which is then of no more use.
    pub(super) async fn work(&mut self, request: &Request) -> Result<Reply, Fault> {
        self.supervised.turn_to(request.entity.as_str());
        match self.ask(request).await? {
            Reply::Fault(fault) if fault.stderr.is_empty() => {
                Ok(Reply::Fault(fault.with_stderr(self.supervised.last_output())))
            }
            reply => Ok(reply),
        }
    }

    async fn ask(&mut self, question: &impl Serialize) -> Result<Reply, Fault> {
        match self.exchange(question).await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.death(error).await),
        }
    }

    async fn exchange(&mut self, question: &impl Serialize) -> Result<Reply, WaitError> {
        let frame = encode(question, &[], LONGEST).map_err(WaitError::Unreadable)?;
        self.supervised.send(&frame, None).await?;
        let frame = self.supervised.next(None).await?;
        serde_json::from_slice(&frame.json).map_err(|error| WaitError::Unreadable(error.into()))
    }

    async fn death(&mut self, error: WaitError) -> Fault {
        let fault = match self.supervised.end(error, Duration::ZERO).await {
            Ok(status) => {
                let text = format!("the process that ran `{}` {}", self.transform, describe_exit(status));
                Fault::new(FaultKind::Killed, text)
            }
            Err(WaitError::Unreadable(error)) => Fault::failed(format!("could not talk to the child process: {error}")),
            // It was given no limits: the worker of the pool drops this value at the deadline.
            Err(WaitError::Overdue | WaitError::OverMemory(_)) => Fault::failed("the child process had to be ended"),
        };
        fault.with_stderr(self.supervised.last_output())
    }
}
