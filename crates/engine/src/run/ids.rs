//! Where the ids of a run come from: arguments, a file, standard input, or the names in the source store.

use std::{collections::HashSet, io::BufReader, path::PathBuf, sync::Arc};

use anyhow::Context;
use euterpe_actors::blocking_threads;
use euterpe_actors::ids::StoreName;

use super::addressing::Addressed;
use super::found::Sink;
use super::held_back::HeldBack;
use super::lines::read_lines;
use super::listing::Listing;
use super::stream::{Stream, no_thread};
use super::walk::{Walk, WalkedIds};

/// So many ids are few: a page of a listing has as many names.
const FEW: usize = 1000;

/// Where ids come from.
#[derive(Clone, Debug)]
pub enum Ids {
    /// These.
    These(Vec<Addressed>),
    /// The lines of a file; with `true` those that start with `#` too.
    File(PathBuf, bool),
    /// The lines of standard input, likewise.
    Stdin(bool),
    /// The names in source stores.
    Listed(Vec<Listing>),
}

impl Ids {
    /// Whether they are so few that each of their sources is sooner looked at than all are listed.
    pub(crate) fn are_few(&self) -> bool {
        matches!(self, Ids::These(ids) if ids.len() <= FEW)
    }

    /// Whether they are the names in the sources.
    pub(crate) fn are_of_sources(&self) -> bool {
        matches!(self, Ids::Listed(_))
    }

    /// The same, with each path that is passed over.
    #[must_use]
    pub fn with_passed(mut self) -> Self {
        if let Ids::Listed(listings) = &mut self {
            listings.iter_mut().for_each(|listing| listing.names_passed = true);
        }
        self
    }

    /// The same, without the sources that somebody may still be writing, as `held_back` tells them for each store; ids that are
    /// not listed stay.
    #[must_use]
    pub(crate) fn held_back(mut self, held_back: impl Fn(&StoreName) -> HeldBack) -> Self {
        if let Ids::Listed(listings) = &mut self {
            listings.iter_mut().for_each(|listing| listing.held_back = Some(held_back(&listing.store)));
        }
        self
    }

    /// Lets the listings of sources tell a walk when each came.
    pub(crate) fn tell(&mut self, walk: &Arc<Walk>) {
        if let Ids::Listed(listings) = self {
            listings.iter_mut().for_each(|listing| listing.walk = Some(walk.clone()));
        }
    }

    /// Which part of which store the first ids are listed from. Of the sources in others, it must be known when they came before
    /// the first ids are given: an id may have one there too.
    pub(crate) fn first_places(&self) -> Vec<(StoreName, String)> {
        let Ids::Listed(listings) = self else { return Vec::new() };
        let Some(first) = listings.first() else { return Vec::new() };
        first.prefixes().into_iter().map(|prefix| (first.store.clone(), prefix)).collect()
    }

    /// The sources that are listed, as records name them.
    pub(super) fn sources(&self) -> Vec<String> {
        match self {
            Ids::Listed(listings) => listings.iter().map(|listing| listing.source.clone()).collect(),
            Ids::These(_) | Ids::File(..) | Ids::Stdin(_) => Vec::new(),
        }
    }

    /// Starts to read, in the order of a walk where there is one.
    pub fn walked(self, walk: Option<Arc<Walk>>) -> WalkedIds {
        WalkedIds::of(self.read_with(walk.clone()), walk)
    }

    /// Starts to read.
    pub fn stream(self) -> Stream {
        self.read_with(None)
    }

    fn read_with(self, walk: Option<Arc<Walk>>) -> Stream {
        let source = match self {
            Ids::These(mut ids) => {
                let mut seen = HashSet::new();
                ids.retain(|found| seen.insert(found.entity.clone()));
                return Stream::Named(ids.into_iter());
            }
            source => source,
        };
        Stream::read_by(move |sink| source.read(walk, sink))
    }

    fn read(self, walk: Option<Arc<Walk>>, sink: &mut Sink) -> anyhow::Result<()> {
        match self {
            Ids::These(_) => Ok(()), // needs no reader
            Ids::File(path, hashes) => {
                let name = path.display().to_string();
                let file = std::fs::File::open(&path).with_context(|| format!("could not open `{name}`"))?;
                read_lines(BufReader::new(file), &name, hashes, walk, sink)
            }
            Ids::Stdin(hashes) => read_lines(BufReader::new(std::io::stdin()), "standard input", hashes, walk, sink),
            Ids::Listed(listings) => {
                let runtime = blocking_threads::runtime().map_err(no_thread)?;
                runtime.block_on(Listing::list_all(&listings, sink))
            }
        }
    }
}
