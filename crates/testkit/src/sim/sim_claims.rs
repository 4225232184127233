//! Claims as a simulated node sees them: each call takes effect when the schedule ends it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    graph,
    incarnation::Incarnation,
    state::{CallEnd, Port, State},
    world::World,
};
use euterpe_actors::claims::{Claims, Lease, Leased, TTL, memory::LeaseToken};
use euterpe_actors::message::Target;
use euterpe_actors::storage::{StorageError, StorageErrorKind};

/// The claims of a cluster, seen from one incarnation of a node. They lie with the state store and are out when it is.
#[derive(Clone)]
pub(super) struct SimClaims {
    pub(super) world: Arc<World>,
    pub(super) incarnation: Incarnation,
}

impl SimClaims {
    async fn call<T, E>(&self, action: &'static str, target: &Target, effect: E) -> Result<T, StorageError>
    where
        T: Send + 'static,
        E: FnOnce(&mut State) -> T + Send + 'static,
    {
        let name = format!("{action} {target}");
        let path = target.to_string();
        self.world
            .call(&self.incarnation, Port::Storage, name, move |state: &mut State, end| {
                let trouble = |text| Err(StorageError::new(StorageErrorKind::Unavailable, action, &path, text));
                let out = state.armed.is_out(&graph::store(graph::STATE));
                if end == CallEnd::Refused || (out && end != CallEnd::CutShort) {
                    return trouble("503 slow down");
                }
                let result = effect(state);
                if end == CallEnd::AnswerLost { trouble("connection reset") } else { Ok(result) }
            })
            .await
    }
}

#[async_trait]
impl Claims for SimClaims {
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError> {
        let (wanted, by) = (target.clone(), self.incarnation.to_string());
        let incarnation = self.incarnation.clone();
        let effect = move |state: &mut State| {
            let taken = state.claims.take(&wanted, &by);
            if taken.is_ok() {
                state.log.claimed(&incarnation, wanted);
            }
            taken
        };
        match self.call("claim", target, effect).await? {
            Ok(token) => Ok(Leased::Yours(Box::new(SimLease { claims: self.clone(), target: target.clone(), token }))),
            Err(by) => Ok(Leased::Held { by }),
        }
    }

    fn ttl(&self) -> Duration {
        TTL
    }
}

struct SimLease {
    claims: SimClaims,
    target: Target,
    token: LeaseToken,
}

#[async_trait]
impl Lease for SimLease {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        let token = self.token.clone();
        self.claims.call("renew", &self.target, move |state| state.claims.renew(&token)).await
    }

    async fn release(self: Box<Self>) -> Result<(), StorageError> {
        let token = self.token;
        let (incarnation, target) = (self.claims.incarnation.clone(), self.target.clone());
        let effect = move |state: &mut State| {
            state.log.released(&incarnation, &target);
            state.claims.release(&token);
        };
        self.claims.call("release", &self.target, effect).await
    }
}
