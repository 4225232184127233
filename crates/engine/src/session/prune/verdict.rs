//! What becomes of an object, and why.

use euterpe_actors::ids::JobName;

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A job and an entity account for it.
    Keep,
    /// It is gone by now, or nobody asked about it.
    Pass,
    /// It is to go: its job, why, and its bytes.
    Prune(JobName, WhyPruned, u64),
    /// Nothing accounts for it, and it is left alone: why, and its bytes.
    Leave(LeftAlone, u64),
}

/// Why nothing accounts for an output any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyPruned {
    /// The graph has its job no more.
    JobGone,
    /// Its job writes it elsewhere now.
    WrittenElsewhere,
    /// A source of its entity is gone.
    SourceGone,
    /// It has no stamp, lies where a job would write, and a source of its entity is gone.
    Foreign,
}

impl WhyPruned {
    /// For programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JobGone => "job_gone",
            Self::WrittenElsewhere => "written_elsewhere",
            Self::SourceGone => "source_gone",
            Self::Foreign => "foreign",
        }
    }

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::JobGone => "the graph has no such job any more",
            Self::WrittenElsewhere => "the job writes elsewhere now",
            Self::SourceGone => "a source is gone",
            Self::Foreign => "no stamp, and a source is gone",
        }
    }
}

/// Why something that nothing accounts for is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftAlone {
    /// It has no stamp, and no job of the graph would write it.
    NotOurs,
    /// It has no stamp, and lies where a job would write for an entity that is gone.
    Foreign,
    /// No record tells of the run that made it, and so not whether it was a run of this graph.
    Unrecorded,
    /// It was made in a run of another graph file, or with other stores.
    Other,
    /// It lies where its run did not put it.
    Moved,
    /// The folder of a source of its entity is there and holds nothing: a disk may be away.
    EmptyFolder,
    /// It was written too recently.
    Young,
}

impl LeftAlone {
    /// For programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOurs => "not_ours",
            Self::Foreign => "foreign",
            Self::Unrecorded => "unrecorded",
            Self::Other => "other",
            Self::Moved => "moved",
            Self::EmptyFolder => "empty_folder",
            Self::Young => "young",
        }
    }

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotOurs => "not ours: without a stamp, and where no job writes",
            Self::Foreign => {
                "without a stamp, where a job would write for an entity that is gone; `--also foreign` takes it"
            }
            Self::Unrecorded => {
                "made in a run without a record, perhaps of another graph; `--job JOB --also unrecorded` takes it"
            }
            Self::Other => "made in a run of another graph file, or with other stores",
            Self::Moved => "moved or copied there by somebody",
            Self::EmptyFolder => {
                "the folder of a source is empty: is a disk not mounted? If not, remove the folder, or `--sources-are-right` takes it"
            }
            Self::Young => "written too recently",
        }
    }
}
