//! The wrong variants of the protocol, each of which the simulator must catch.
//!
//! Without the feature `mutants` no variant can be chosen and every check is the constant `false`. With it, a test
//! chooses one for the current thread, so that one build tests them all.

/// A mistake that somebody could make in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutant {
    /// Ack on receipt: lost on a crash.
    X1,
    /// Pass on before the output is written: double work and twice the messages.
    X2,
    /// Remember absence, also when a wake-up looks: a wake-up is lost.
    X3,
    /// Drop a message because its entity is in hand: another request's continuation is lost.
    X4,
    /// Ask one parent and wait for all: lost.
    X5,
    /// Ask for all that is missing again at each wake-up: right, but the messages grow with the square of the parents.
    X6,
    /// Keep one continuation instead of a stack: an unrelated child of the job in the middle runs.
    X7,
    /// Force as a bare flag, without stamps: the end of a diamond is built from a stale parent.
    X8,
    /// Tell no waiter of a failure: a request without an outcome, for ever.
    X9,
    /// No single holder of an entity: double work without any fault.
    X10,
    /// Do the work as soon as its claim is won, without another look at the output: what was just made is made again.
    X11,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 11] = [
        Mutant::X1,
        Mutant::X2,
        Mutant::X3,
        Mutant::X4,
        Mutant::X5,
        Mutant::X6,
        Mutant::X7,
        Mutant::X8,
        Mutant::X9,
        Mutant::X10,
        Mutant::X11,
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
        assert!(!active(Mutant::X1));
        with(Some(Mutant::X1), || {
            assert!(active(Mutant::X1) && !active(Mutant::X2));
            with(None, || assert!(!active(Mutant::X1)));
            let elsewhere = std::thread::spawn(|| active(Mutant::X1)).join().expect("the thread ends");
            assert!(!elsewhere && active(Mutant::X1));
        });
        assert!(!active(Mutant::X1));
    }
}
