//! Whether another folder at the path of a store may take the place of the one that was opened.

use std::path::Path;

use euterpe_actors::storage::STORE_MARKER;

use super::error::LocalError;
use super::seen_marker::MarkerNow;

/// What is known of a folder that is not the one that was opened, and of that one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Successor {
    /// Whether it lies on another mount.
    pub elsewhere: bool,
    /// Whether that mount may be the former one, mounted again; true where it is the same.
    pub mounted_alike: bool,
    /// Whether it is empty.
    pub empty: bool,
    /// Whether the former one held anything.
    pub had_content: bool,
    /// Whether this process makes the folder where there is none: then an empty one is a store, too.
    pub makes: bool,
    /// What its marker says.
    pub marker: MarkerNow,
}

impl Successor {
    /// Refuses a folder that may be the empty place of a disk that is not mounted, and one that is another store.
    ///
    /// # Errors
    /// `Replaced` where the store that was opened is gone for good; else trouble that may pass.
    pub(super) fn check(self, folder: &Path) -> Result<(), LocalError> {
        let folder = folder.display();
        let mounted = "is the disk mounted? if this is right, start again";
        if !self.mounted_alike {
            let text =
                format!("the folder {folder} of this store lies on another disk than when it was opened; {mounted}");
            return Err(LocalError::Root(text));
        }
        let emptied =
            || format!("the folder {folder} of this store is not the one that was opened, and empty; {mounted}");
        match self.marker {
            MarkerNow::Same => Ok(()),
            MarkerNow::NeverSeen if self.empty && self.had_content && (self.elsewhere || !self.makes) => {
                Err(LocalError::Root(emptied()))
            }
            MarkerNow::NeverSeen => Ok(()),
            // On the very mount on which it lay, so it is no disk that may come back.
            MarkerNow::Lost if self.empty && !self.elsewhere => Err(LocalError::Replaced(emptied())),
            MarkerNow::Lost => Err(LocalError::Root(format!(
                "the folder {folder} of this store has lost its `{STORE_MARKER}`; {mounted}"
            ))),
            MarkerNow::Other => Err(LocalError::Replaced(format!(
                "the folder {folder} of this store is another store than when it was opened, by its `{STORE_MARKER}`; \
                 mount the former one, or start again"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_the_place_of_another_where_it_is_neither_a_disk_that_is_away_nor_another_store() {
        use MarkerNow::{Lost, NeverSeen, Other, Same};
        // A source with content, and another folder with content on the same mount.
        let swapped = Successor {
            elsewhere: false,
            mounted_alike: true,
            empty: false,
            had_content: true,
            makes: false,
            marker: NeverSeen,
        };
        let again = Successor { elsewhere: true, ..swapped };
        let of = |from: Successor, marker| Successor { marker, ..from };
        let empty = |from: Successor| Successor { empty: true, ..from };
        let made = |from: Successor| Successor { makes: true, ..from };
        let cases = [
            ("people swap folders", swapped, "ok"),
            ("a disk that is mounted again", again, "ok"),
            ("one that is gone", Successor { mounted_alike: false, ..again }, "wait"),
            ("an empty folder in place of a source", empty(swapped), "wait"),
            ("one in place of an empty one", Successor { had_content: false, ..empty(swapped) }, "ok"),
            ("one in place of outputs without a marker", made(empty(swapped)), "ok"),
            ("an empty disk in their place", made(empty(again)), "wait"),
            ("the store itself, mounted again", of(again, Same), "ok"),
            ("the store itself, moved and without outputs", of(empty(swapped), Same), "ok"),
            ("another store", of(again, Other), "gone"),
            ("another store on the same disk", of(empty(swapped), Other), "gone"),
            ("outputs removed and made anew", made(of(empty(swapped), Lost)), "gone"),
            ("an empty disk in the place of a store", made(of(empty(again), Lost)), "wait"),
            ("content without the marker", of(swapped, Lost), "wait"),
        ];
        for (what, successor, then) in cases {
            let checked = match successor.check(Path::new("/store")) {
                Ok(()) => "ok",
                Err(LocalError::Root(_)) => "wait",
                Err(LocalError::Replaced(_)) => "gone",
                Err(other) => panic!("{what}: {other:?}"),
            };
            assert_eq!(checked, then, "{what}");
        }
    }
}
