//! The wrong variants of the protocol, each of which the simulator must catch.
//!
//! Without the feature `mutants` no variant can be chosen and every check is the constant `false`. With it, a test
//! chooses one for the current thread, so that one build tests them all.

/// A mistake that somebody could make in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutant {
    /// Ack on receipt: lost on a crash.
    AckOnReceipt,
    /// Pass on before the output is written: double work and twice the messages.
    PassOnBeforeWrite,
    /// Remember absence, also when a wake-up looks: a wake-up is lost.
    RememberAbsence,
    /// Drop a message because its entity is in hand: another request's continuation is lost.
    DropInFlight,
    /// Ask one parent and wait for all: lost.
    AskOneParent,
    /// Ask for all that is missing again at each wake-up: right, but the messages grow with the square of the parents.
    AskForAllAgain,
    /// Keep one continuation instead of a stack: an unrelated child of the job in the middle runs.
    OneContinuation,
    /// Force as a bare flag, without stamps: the end of a diamond is built from a stale parent.
    BareForce,
    /// Tell no waiter of a failure: a request without an outcome, for ever.
    TellNoWaiter,
    /// No single holder of an entity: double work without any fault.
    NoSingleHolder,
    /// Do the work as soon as its claim is won, without another look at the output: what was just made is made again.
    TrustTheClaim,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 11] = [
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
