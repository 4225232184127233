//! Asks for missing inputs: bottom-up messages to the parents whose output is not there.

use std::sync::Arc;

use actix::prelude::*;

use crate::broker::{Broker, BrokerError, Outgoing};
use crate::message::EntityMessage;
use crate::wire::WireError;

/// Publish these requests to parents; answered when all are confirmed.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), RequestError>")]
pub struct RequestInputs(pub Vec<EntityMessage>);

/// Why requests were not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The stack grew deeper than a message may carry.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The broker did not take them.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// One for each node. It keeps no state: the targets that wait are written in the messages.
pub struct ParentTrigger {
    broker: Arc<dyn Broker>,
}

impl ParentTrigger {
    /// Publishes through this broker.
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker }
    }
}

impl Actor for ParentTrigger {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
    }
}

impl Handler<RequestInputs> for ParentTrigger {
    type Result = ResponseFuture<Result<(), RequestError>>;

    fn handle(&mut self, RequestInputs(requests): RequestInputs, _: &mut Self::Context) -> Self::Result {
        let broker = self.broker.clone();
        Box::pin(async move {
            let messages = requests.iter().map(Outgoing::of).collect::<Result<Vec<_>, WireError>>()?;
            Ok(broker.publish(messages).await?)
        })
    }
}
