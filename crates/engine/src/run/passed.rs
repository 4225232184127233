//! What a listing passed over, counted by kind.

use std::borrow::Cow;
use std::collections::BTreeMap;

use euterpe_actors::storage::ListedProblem;

/// How many extensions are counted one by one; further ones are counted together.
const EXTENSIONS: usize = 40;

/// Why a name in a source is no entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassedKind {
    /// `{ext}` does not stand for its extension.
    Extension(String),
    /// It does not fit the source's template.
    OtherName,
    /// A hidden file, or what a system left.
    Hidden,
    /// `include` and `exclude` leave it out.
    Excluded,
    /// Another file of the source has the same id.
    SameId,
    /// A link that leads out of the store.
    LinkOut,
    /// Its id goes to a job whose form is more specific than that of this one, for which the source is listed.
    OtherJob(String),
    /// A link to outputs of the graph.
    LinkToOutputs,
    /// A link to a folder that is listed under another name.
    ListedElsewhere,
    /// A link to nothing.
    LinkToNothing,
    /// A pipe, a socket, a device.
    NoFile,
    /// A folder of the system that may not be read.
    Unreadable,
    /// A folder whose name is not UTF-8, with all that is in it.
    FolderNotUtf8,
    /// It cannot be an id, and somebody dropped it.
    Dropped,
    /// It came, or was written to, a moment ago: somebody may still be at it.
    BeingWritten,
}

impl PassedKind {
    /// Its name, for data.
    pub fn name(&self) -> &'static str {
        match self {
            PassedKind::Extension(_) => "extension",
            PassedKind::OtherName => "other_name",
            PassedKind::Hidden => "hidden",
            PassedKind::Excluded => "excluded",
            PassedKind::SameId => "same_id",
            PassedKind::LinkOut => "link_out",
            PassedKind::OtherJob(_) => "other_job",
            PassedKind::LinkToOutputs => "link_to_outputs",
            PassedKind::ListedElsewhere => "listed_elsewhere",
            PassedKind::LinkToNothing => "link_to_nothing",
            PassedKind::NoFile => "no_file",
            PassedKind::Unreadable => "unreadable",
            PassedKind::FolderNotUtf8 => "folder_not_utf8",
            PassedKind::Dropped => "dropped",
            PassedKind::BeingWritten => "being_written",
        }
    }

    /// What it means, for people, after a count.
    pub fn text(&self) -> Cow<'static, str> {
        let text = match self {
            PassedKind::OtherJob(job) => {
                return format!(
                    "of an id that goes to another job, whose form fits it better; `--job {job}` brings it to `{job}`"
                )
                .into();
            }
            PassedKind::Extension(_) => "of an extension that is not asked for",
            PassedKind::OtherName => "of a name that is not asked for",
            PassedKind::Hidden => "hidden, or left by a system",
            PassedKind::Excluded => "left out by `include` and `exclude`",
            PassedKind::SameId => "of an id that another file has too; rename or remove one of them",
            PassedKind::LinkOut => "a link that leads out of the store; `links: follow` allows it",
            PassedKind::LinkToOutputs => "a link to outputs of this graph, which are no sources of it",
            PassedKind::ListedElsewhere => "a link to a folder that is listed under another name",
            PassedKind::LinkToNothing => "a link to nothing",
            PassedKind::NoFile => "a pipe, a socket or a device",
            PassedKind::Unreadable => "a folder of the system that may not be read",
            PassedKind::FolderNotUtf8 => "a folder whose name is not UTF-8, with all that is in it; rename it",
            PassedKind::Dropped => "a name that cannot be an id, and was dropped",
            PassedKind::BeingWritten => "written to a moment ago, and left to the next run",
        };
        text.into()
    }

    /// The kind of a problem that has nothing to do with the name.
    pub(super) fn of(problem: ListedProblem) -> Option<Self> {
        match problem {
            ListedProblem::NotUtf8 | ListedProblem::NoKey | ListedProblem::LeavesStore => None,
            ListedProblem::IsOutput => Some(PassedKind::LinkToOutputs),
            ListedProblem::ListedElsewhere => Some(PassedKind::ListedElsewhere),
            ListedProblem::LeadsNowhere => Some(PassedKind::LinkToNothing),
            ListedProblem::NoFile => Some(PassedKind::NoFile),
            ListedProblem::Unreadable => Some(PassedKind::Unreadable),
            ListedProblem::FolderNotUtf8 => Some(PassedKind::FolderNotUtf8),
        }
    }
}

/// What a listing saw that is no source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed(BTreeMap<PassedKind, u64>);

impl Passed {
    /// Counts one.
    pub fn add(&mut self, kind: PassedKind) {
        let is_new = matches!(kind, PassedKind::Extension(_)) && !self.0.contains_key(&kind);
        let full =
            is_new && self.0.keys().filter(|kind| matches!(kind, PassedKind::Extension(_))).count() >= EXTENSIONS;
        *self.0.entry(if full { PassedKind::Extension("…".into()) } else { kind }).or_default() += 1;
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: Passed) {
        for (kind, count) in other.0 {
            *self.0.entry(kind).or_default() += count;
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many of each kind, extensions together.
    pub fn kinds(&self) -> BTreeMap<&'static str, u64> {
        let mut kinds = BTreeMap::new();
        for (kind, count) in &self.0 {
            *kinds.entry(kind.name()).or_default() += count;
        }
        kinds
    }

    /// A line for each kind, for people, such as `3 of an extension that is not asked for: .jpg 2, .m4b 1`.
    pub fn lines(&self) -> Vec<String> {
        let mut exts: Vec<(&str, u64)> = Vec::new();
        let mut lines = Vec::new();
        for (kind, count) in &self.0 {
            match kind {
                PassedKind::Extension(ext) => exts.push((ext, *count)),
                kind => lines.push(format!("{count} {}", kind.text())),
            }
        }
        if !exts.is_empty() {
            exts.sort_by_key(|(ext, count)| (std::cmp::Reverse(*count), *ext));
            let count: u64 = exts.iter().map(|(_, count)| count).sum();
            let each: Vec<String> = exts.iter().map(|(ext, count)| format!(".{ext} {count}")).collect();
            let text = PassedKind::Extension(String::new()).text();
            lines.insert(0, format!("{count} {text}: {}", each.join(", ")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_over_is_counted_by_kind_and_extension_within_bounds() {
        let mut passed = Passed::default();
        for ext in ["jpg", "m4b", "jpg"] {
            passed.add(PassedKind::Extension(ext.into()));
        }
        passed.add(PassedKind::Hidden);
        assert_eq!(passed.total(), 4);
        assert_eq!(passed.kinds(), [("extension", 3), ("hidden", 1)].into());
        let lines = passed.lines();
        assert_eq!(lines[0], "3 of an extension that is not asked for: .jpg 2, .m4b 1");
        assert_eq!(lines[1], "1 hidden, or left by a system");
        (0..1000).for_each(|n| passed.add(PassedKind::Extension(n.to_string())));
        assert!(passed.total() == 1004 && passed.0.len() < 50);
    }
}
