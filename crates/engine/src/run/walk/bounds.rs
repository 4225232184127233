//! How much of a catalogue is in memory at once.

/// The memory that nobody set.
pub const USUAL: u64 = 256 << 20;

/// What an output takes that is remembered, with its time; so does what a hash table keeps free.
const OUTPUT: u64 = 97;
/// What the time of a source takes.
const SOURCE: u64 = 57;
/// What an id takes that is remembered to be known again.
const ID: u64 = 28;
/// What an output takes that was found good in spite of what came after it.
const CONFIRMED: u64 = 57;
/// What an object of a part takes while that is shown: once with its time, once more where works on other entities ask for it.
const ROW: u64 = 42;

/// The most that is in memory at once, in numbers of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Outputs that stay in memory.
    pub outputs: usize,
    /// Sources that do.
    pub sources: usize,
    /// Ids that are remembered, to tell which come again.
    pub ids: usize,
    /// Objects of the part that is shown.
    pub part: usize,
    /// Outputs that are known to be good in spite of what came after them.
    pub confirmed: usize,
}

impl Bounds {
    /// For so many bytes: half of them for outputs, a quarter for the part that is shown, an eighth each for sources and ids. A
    /// sixteenth is added for what is known to be good.
    pub fn of(memory: u64) -> Self {
        let number = |bytes: u64, each: u64| usize::try_from(bytes / each).unwrap_or(usize::MAX).max(1);
        Self {
            outputs: number(memory / 2, OUTPUT),
            sources: number(memory / 8, SOURCE),
            ids: number(memory / 8, ID),
            part: number(memory / 4, ROW),
            confirmed: number(memory / 16, CONFIRMED),
        }
    }
}

impl Bounds {
    /// How many outputs are remembered, with those that are made meanwhile.
    pub fn remembered(&self) -> usize {
        self.outputs.saturating_add(self.outputs / 4)
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::of(USUAL)
    }
}
