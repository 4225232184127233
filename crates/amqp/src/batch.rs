//! Messages that were handed in together and are confirmed together.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use euterpe_actors::broker::{BrokerError, Outgoing};
use tokio::sync::oneshot;

use super::notifier::{Notice, Notifier};

/// Messages that were handed in together; `done` is answered when all of them are confirmed.
pub(super) struct Batch {
    pub messages: Vec<Outgoing>,
    pub done: oneshot::Sender<Result<(), BrokerError>>,
}

/// How many messages of a batch are unconfirmed, and whom to answer.
struct BatchConfirms {
    left: Cell<usize>,
    done: RefCell<Option<oneshot::Sender<Result<(), BrokerError>>>>,
}

impl BatchConfirms {
    fn end(&self, result: Result<(), BrokerError>, notifier: &Notifier) {
        if let Some(done) = self.done.borrow_mut().take() {
            notifier.notify(Notice::Published(done, result));
        }
    }

    fn confirm_one(&self, notifier: &Notifier) {
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 {
            self.end(Ok(()), notifier);
        }
    }
}

impl Batch {
    /// Its messages one by one, in order.
    pub fn into_messages(self) -> impl Iterator<Item = UnconfirmedMessage> {
        let confirms = BatchConfirms { left: Cell::new(self.messages.len()), done: RefCell::new(Some(self.done)) };
        let confirms = Rc::new(confirms);
        let one = move |message| UnconfirmedMessage { message, returns: 0, batch: confirms.clone() };
        self.messages.into_iter().map(one)
    }
}

/// One message, until it is confirmed.
pub(super) struct UnconfirmedMessage {
    pub message: Outgoing,
    /// How often the broker returned it, because no queue takes it.
    pub returns: u8,
    batch: Rc<BatchConfirms>,
}

impl UnconfirmedMessage {
    /// The broker has confirmed it. The last one of a batch answers for all.
    pub fn confirm(self, notifier: &Notifier) {
        self.batch.confirm_one(notifier);
    }

    /// It will never be published, and so its batch fails.
    pub fn fail(self, error: BrokerError, notifier: &Notifier) {
        self.batch.end(Err(error), notifier);
    }
}
