//! The wrong variants of the protocol, each of which the simulator must catch.
//!
//! Without the feature `mutants` no variant can be chosen and every check is the constant `false`. With it, a test
//! chooses one for the current thread, so that one build tests them all.

/// A mistake in the protocol, named by what the wrong variant does. After the colon: the damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutant {
    /// Acknowledge a message when it arrives: a crash loses it.
    AckOnReceipt,
    /// Pass on before the output is written: double work, and twice the messages.
    PassOnBeforeWrite,
    /// Remember that an input was missing, and let that answer a wake-up: the wake-up is lost.
    RememberAbsence,
    /// Drop a message because its target is in hand: the message may carry another continuation, which is lost.
    DropInFlight,
    /// Ask one of the missing parents and wait for all: the entity is lost.
    AskOneParent,
    /// Ask again for all missing inputs at each wake-up: right, but the messages grow with the square of the parents.
    AskForAllAgain,
    /// Keep one frame instead of a stack: an unrelated child of the job in the middle runs.
    OneContinuation,
    /// Treat force as a flag, without comparing stamps: the end of a diamond is built from a stale parent.
    BareForce,
    /// Tell no waiter of a failure: its request never gets an outcome.
    TellNoWaiter,
    /// Let several workers hold one target: double work without any fault.
    NoSingleHolder,
    /// Work as soon as the claim is won, without another look at the output: what was just made is made again.
    TrustTheClaim,
    /// Wait for an answer that this node handles, without a look at the stores: with two nodes the wait outlasts the answer.
    TrustOwnAnswers,
    /// Claim a target and then wait for a core: other nodes that have one may not work on it.
    ClaimBeforeCore,
    /// Begin work after the node was told to end: its end takes that much longer.
    WorkWhileDraining,
    /// Take an output that is there for one that is up to date: a replaced source is not seen.
    TrustTheOutput,
    /// Store what was made although a source was replaced meanwhile: the stamp names the version that was opened, and the
    /// bytes are another's.
    TrustTheSource,
    /// Let a stamp of the future cover a demand: what is forced is not redone.
    TrustTheFuture,
    /// Record what the inputs are after the work: what was replaced meanwhile passes for what was read.
    PrintAfterWork,
    /// Record what the inputs were when they were looked for: what is read may be another version.
    PrintBeforeOpening,
    /// Work on messages of whoever means something else by the job: what is made is not what was asked for.
    WorkForOtherSetups,
    /// Remember that an output is up to date although something above it is missing: when that is made with other bytes, nobody
    /// looks again.
    RememberBelowMissing,
    /// Do not look at the sources once more when the output is in place: one that was replaced just before is never seen.
    NoSecondLook,
    /// Take what was made in a run for good in it although the same run made an input anew since.
    TrustTheRun,
}

impl Mutant {
    /// Those that the simulator catches: all but [`Mutant::TrustTheSource`], whose damage the next run undoes.
    pub const ALL: [Mutant; 22] = [
        Mutant::AckOnReceipt,
        Mutant::PassOnBeforeWrite,
        Mutant::RememberAbsence,
        Mutant::DropInFlight,
        Mutant::AskOneParent,
        Mutant::AskForAllAgain,
        Mutant::OneContinuation,
        Mutant::BareForce,
        Mutant::TellNoWaiter,
        Mutant::NoSingleHolder,
        Mutant::TrustTheClaim,
        Mutant::TrustOwnAnswers,
        Mutant::ClaimBeforeCore,
        Mutant::WorkWhileDraining,
        Mutant::TrustTheFuture,
        Mutant::TrustTheOutput,
        Mutant::PrintAfterWork,
        Mutant::PrintBeforeOpening,
        Mutant::WorkForOtherSetups,
        Mutant::RememberBelowMissing,
        Mutant::NoSecondLook,
        Mutant::TrustTheRun,
    ];
}

/// Whether the current thread runs this variant. Always `false` without the feature `mutants`.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn active(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use chosen::{active, with};

#[cfg(feature = "mutants")]
mod chosen {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static CHOSEN: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether the current thread runs this variant.
    pub fn active(mutant: Mutant) -> bool {
        CHOSEN.get() == Some(mutant)
    }

    /// Runs `body` with `mutant` (or none) chosen on the current thread, and puts back what was chosen before.
    pub fn with<T>(mutant: Option<Mutant>, body: impl FnOnce() -> T) -> T {
        struct PutBack(Option<Mutant>);
        impl Drop for PutBack {
            fn drop(&mut self) {
                CHOSEN.set(self.0);
            }
        }
        let _put_back = PutBack(CHOSEN.replace(mutant));
        body()
    }
}

#[cfg(all(test, feature = "mutants"))]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_active_only_where_and_while_it_is_chosen() {
        assert!(!active(Mutant::AckOnReceipt));
        with(Some(Mutant::AckOnReceipt), || {
            assert!(active(Mutant::AckOnReceipt) && !active(Mutant::PassOnBeforeWrite));
            with(None, || assert!(!active(Mutant::AckOnReceipt)));
            let elsewhere = std::thread::spawn(|| active(Mutant::AckOnReceipt)).join().expect("the thread ends");
            assert!(!elsewhere && active(Mutant::AckOnReceipt));
        });
        assert!(!active(Mutant::AckOnReceipt));
    }
}
