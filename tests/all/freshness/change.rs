//! What happens between two runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use euterpe_actors::storage::Stamp;

use super::place::Place;

/// What happens between two runs: to what lies in a store, by its name there and its key, or to what lies beside the graph file.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// A text comes there, over what is there.
    Put(&'static str, &'static str),
    /// The same by `cp -p`: with a time of long ago.
    Copied(&'static str, &'static str),
    /// The same by `mv`: another file, with a time of long ago.
    Moved(&'static str, &'static str),
    /// The same with the time of what was there.
    Disguised(&'static str, &'static str),
    /// The bytes that are there are written anew.
    Rewritten(&'static str),
    /// The same, and the file has the time again that it had.
    PutBack(&'static str),
    /// Only its time is another.
    Touched(&'static str),
    /// It is gone.
    Gone(&'static str),
    /// It lies elsewhere.
    Renamed(&'static str, &'static str),
    /// Somebody puts a text in the place of an output.
    Foreign(&'static str, &'static str),
    /// It is as a version of this program made it that noted nothing of what it was made from.
    OfBefore(&'static str),
    /// The first is there in the place of the second too, with all that it is.
    Copy(&'static str, &'static str),
    /// The first text in the graph file becomes the second.
    Graph(&'static str, &'static str),
    /// A file beside the graph file has this text.
    Beside(&'static str, &'static str),
    /// The program is called, and ends with this code.
    Called(&'static str, i32),
}

impl Change {
    pub fn happen(self, place: &dyn Place) {
        let text = |at: &str| place.look(at).0;
        match self {
            Change::Put(at, text) => place.put(at, text),
            Change::Copied(at, text) => place.put_with_its_time(at, text),
            Change::Moved(at, text) => place.move_in(at, text),
            Change::Disguised(at, text) => place.put_with_the_same_time(at, text),
            Change::Rewritten(at) => place.put(at, &text(at)),
            Change::PutBack(at) => place.put_with_the_same_time(at, &text(at)),
            Change::Touched(at) => place.touch(at),
            Change::Gone(at) => place.remove(at),
            Change::Renamed(from, to) => place.rename(from, to),
            Change::Foreign(at, text) => {
                place.remove(at);
                place.put(at, text);
            }
            Change::OfBefore(at) => {
                let (text, stamp) = place.look(at);
                place.remove(at);
                place.stamped(at, &text, Stamp { making: None, ..stamp.expect("a stamp") });
            }
            Change::Copy(from, to) => {
                let (text, stamp) = place.look(from);
                place.remove(to);
                place.stamped(to, &text, stamp.expect("a stamp"));
            }
            Change::Graph(from, to) => {
                let graph = fs::read_to_string(place.path("g.yaml")).expect("read");
                assert!(graph.contains(from), "`{from}` is not in the graph file");
                fs::write(place.path("g.yaml"), graph.replacen(from, to, 1)).expect("written");
            }
            Change::Beside(path, text) => write_beside(place, path, text),
            Change::Called(words, code) => drop(place.call(words).ends(code)),
        }
    }
}

/// Writes a file beside the graph file, which may be a program.
pub fn write_beside(place: &dyn Place, path: &str, text: &str) {
    let path = place.path(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set");
}
