//! One page of a listing: many paths in one buffer, so that a million of them cost a few allocations.

/// A part of a listing. Paths lie one behind the other in one text.
#[derive(Clone, Debug, Default)]
pub struct Page {
    text: String,
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    start: u32,
    end: u32,
    problem: Option<ListedProblem>,
    dates: Dates,
}

/// When an object was written, in nanoseconds after the Unix epoch by the store's clock; 0 where a listing does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// Its content. A copy may have the time of the original.
    pub written: u64,
    /// The latest of that and the time at which it got its place, as far as the store knows it.
    pub arrived: u64,
}

/// One line of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'p> {
    /// The path within the store.
    pub path: &'p str,
    /// Why there is no object under this path although something lies there; none for an object.
    pub problem: Option<ListedProblem>,
    /// When it was written.
    pub dates: Dates,
}

/// Why something that lies in a store cannot be an object. It is listed all the same, so that nothing is left out in
/// silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListedProblem {
    /// Its name is not UTF-8; `path` shows it [as text](super::name_as_text).
    NotUtf8,
    /// A folder whose name is not UTF-8: nothing in it can be named either.
    FolderNotUtf8,
    /// A link that leads out of the store.
    LeavesStore,
    /// Its name has segments that a path cannot have.
    NoKey,
    /// A link to a folder whose files are listed under another name.
    ListedElsewhere,
    /// A link to what this graph writes.
    IsOutput,
    /// A link to nothing, or to itself.
    LeadsNowhere,
    /// A pipe, a socket, a device.
    NoFile,
    /// A folder that may not be read, and that no catalogue has its objects in.
    Unreadable,
}

impl ListedProblem {
    /// The problem for people, with its remedy.
    pub const fn text(self) -> &'static str {
        match self {
            ListedProblem::NotUtf8 => "the name is not UTF-8; rename the file",
            ListedProblem::FolderNotUtf8 => "the folder's name is not UTF-8; rename the folder",
            ListedProblem::NoKey => "an empty, `.` or `..` segment between slashes; rename the object",
            ListedProblem::LeavesStore => {
                "a link that leads out of the store; put the file itself there, or allow it by `links: follow`"
            }
            ListedProblem::ListedElsewhere => "a link to a folder whose files are listed under another name",
            ListedProblem::IsOutput => "a link to outputs of this graph, which are no sources of it; remove the link",
            ListedProblem::LeadsNowhere => "a link to nothing; remove it, or bring back what it named",
            ListedProblem::NoFile => "a pipe, a socket or a device",
            ListedProblem::Unreadable => "a folder of the system that may not be read",
        }
    }
}

impl Page {
    /// An empty page with room for `lines` paths of ordinary length.
    pub fn with_room_for(lines: usize) -> Self {
        Self { text: String::with_capacity(lines * 32), lines: Vec::with_capacity(lines) }
    }

    /// Adds the path of an object.
    ///
    /// # Panics
    /// If the paths of one page take 4 GiB: a store gives its listing in pages of some thousand lines.
    pub fn push(&mut self, path: &str) {
        self.push_parts(path, "", None);
    }

    /// Adds the path `folder` + `name`, which may have a problem.
    ///
    /// # Panics
    /// As [`Page::push`].
    pub fn push_parts(&mut self, folder: &str, name: &str, problem: Option<ListedProblem>) {
        self.push_dated(folder, name, problem, Dates::default());
    }

    /// The same with what the store says of its time.
    ///
    /// # Panics
    /// As [`Page::push`].
    pub fn push_dated(&mut self, folder: &str, name: &str, problem: Option<ListedProblem>, dates: Dates) {
        let start = place(self.text.len());
        self.text.push_str(folder);
        self.text.push_str(name);
        self.lines.push(Line { start, end: place(self.text.len()), problem, dates });
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Listed<'_>> {
        self.lines.iter().map(|&Line { start, end, problem, dates }| Listed {
            path: &self.text[start as usize..end as usize],
            problem,
            dates,
        })
    }

    /// The paths of objects, in order, without the lines that have a problem.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|listed| listed.problem.is_none()).map(|listed| listed.path)
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("a page of a listing holds less than 4 GiB of paths")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_back_what_was_put_on_it_and_tells_objects_from_problems() {
        let mut page = Page::with_room_for(2);
        page.push("a/b");
        page.push_parts("a/", "c", Some(ListedProblem::LeavesStore));
        page.push_parts("a/", "d", None);
        let lines: Vec<_> = page.iter().map(|l| (l.path, l.problem.is_some())).collect();
        assert_eq!(lines, [("a/b", false), ("a/c", true), ("a/d", false)]);
        assert_eq!(page.paths().collect::<Vec<_>>(), ["a/b", "a/d"]);
        assert_eq!(page.len(), 3);
    }
}
