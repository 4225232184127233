//! A source whose names are the catalogue: which of them are entities, and what is passed over.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Context;
use euterpe_actors::edges::source_paths;
use euterpe_actors::ids::{EntityId, StoreName, decomposed_form, escaped_form, normal_form};
use euterpe_actors::memory::Fingerprint;
use euterpe_actors::storage::{Listed, ListedProblem, Page, Storage, each_once, find_spelled, is_hidden, told_apart};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_graph_file::plan::Patterns;

use super::found::{BadName, Found, Sink, found};
use super::held_back::HeldBack;
use super::listed_for::{GoesTo, ListedFor};
use super::passed::PassedKind;
use super::walk::{FoundFile, KnownIds, Walk};

/// A source whose keys are the catalogue.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The source with its place, as records name it.
    pub source: String,
    /// For whom it is listed.
    pub jobs: ListedFor,
    /// The key of an entity in it.
    pub key: Template,
    /// What `{ext}` may stand for, for the jobs that it is listed for: each list is that of some of them.
    pub exts: Vec<Arc<[String]>>,
    /// Which names it takes.
    pub patterns: Patterns,
    /// Whether what is passed over is named one by one.
    pub names_passed: bool,
    /// The name of the store.
    pub store: StoreName,
    /// What is learned of the catalogue, which wants to know when each source came.
    pub walk: Option<Arc<Walk>>,
    /// What is left to a later run.
    pub held_back: Option<HeldBack>,
}

/// A source while it is listed.
struct Taker<'l> {
    listing: &'l Listing,
    /// Its number among those of the run.
    number: u16,
    odd: OddNames,
}

/// What a source made of a listed name.
enum Taken {
    /// It is the source's; whether anybody still wants more.
    GoOn(bool),
    /// It is none of its entities.
    Passed(PassedKind),
}

impl<'l> Taker<'l> {
    fn new(number: u16, listing: &'l Listing) -> Self {
        Self { listing, number, odd: OddNames::new() }
    }

    /// Takes a name. `several` where its id may come from another source too, `twice` where the same file may be listed
    /// again.
    fn take(
        &mut self,
        listed: &Listed<'_>,
        once: &mut KnownIds,
        (several, twice): (bool, bool),
        sink: &mut Sink,
    ) -> Taken {
        let source = self.listing;
        let normal = normal_form(listed.path);
        let (name, ext) = match source.meaning(listed, &normal) {
            Meaning::Passed(kind) => return Taken::Passed(kind),
            Meaning::Bad(name, problem) => {
                // A name that is not UTF-8 is listed as text already.
                let text = if problem == ListedProblem::NotUtf8 { name.into() } else { told_apart(name) };
                return Taken::GoOn(source.bury(BadName::new(&text, problem.text().to_owned()), sink));
            }
            Meaning::Entity(name, ext) => (name, ext),
        };
        let (id, written) = match found(name) {
            Found::Id(id, written) => (id, written),
            Found::Bad(bad) => return Taken::GoOn(source.bury(bad, sink)),
            other => return Taken::GoOn(sink.put(other)),
        };
        match source.jobs.goes(&id) {
            GoesTo::Them => {}
            GoesTo::Others(job) => return Taken::Passed(PassedKind::OtherJob(job)),
            GoesTo::Unfit(why) => return Taken::GoOn(source.bury(BadName::new(id.as_str(), why), sink)),
        }
        if source.held_back.as_ref().is_some_and(|held_back| held_back.holds(&id, listed.dates)) {
            return Taken::Passed(PassedKind::BeingWritten);
        }
        if let Some(written) = written {
            self.odd.entry(id).or_default().push((written, listed.path.to_owned()));
            return Taken::GoOn(true);
        }
        // Two files of one id, and one id in two stores, are sent once; the worker names both files.
        let may_have_twins = source.key.has_ext() || !name.is_ascii();
        let exts = if may_have_twins && !twice { source.exts_of(ext) } else { Vec::new() };
        let one = |number: &u16| Fingerprint::of(&format!("{} {number}", self.number), id.as_str());
        let twins = exts.iter().filter(|number| !once.is_new(one(number))).count();
        if twins > 0 {
            return Taken::Passed(PassedKind::SameId);
        }
        let is_new = !(several || may_have_twins) || once.is_new(Fingerprint::of("", id.as_str()));
        let found = match once.is_full() && !exts.is_empty() {
            true => {
                let path = listed.path.to_owned();
                Found::File(id, FoundFile { source: self.number, exts, path, is_named: source.names_passed })
            }
            false => Found::Id(id, None),
        };
        Taken::GoOn(!is_new || sink.put(found))
    }
}

/// What a listed name is.
pub(super) enum Meaning<'k> {
    /// An entity of this name, and what stands for `{ext}`.
    Entity(&'k str, &'k str),
    Bad(&'k str, ListedProblem),
    Passed(PassedKind),
}

/// Names that are neither the composed nor the decomposed form of their id, by the id, with their paths.
type OddNames = BTreeMap<EntityId, Vec<(String, String)>>;

impl Listing {
    /// Lists sources. `once` has what was found in others, where an id is to be sent once.
    ///
    /// # Errors
    /// Where a store cannot be listed.
    pub(super) async fn list_all(listings: &[Listing], sink: &mut Sink) -> anyhow::Result<()> {
        let mut once = KnownIds::of(listings.first().and_then(|listing| listing.walk.clone()));
        let mut left: Vec<Taker> = (0..).zip(listings).map(|(number, listing)| Taker::new(number, listing)).collect();
        while let Some(first) = left.first().map(|first| first.listing) {
            let (together, others) = left.into_iter().partition(|other| first.starts_where(other.listing));
            Self::list_together(together, &mut once, listings.len() > 1, sink).await?;
            left = others;
        }
        Ok(())
    }

    /// Whether both are in the same part of the same store.
    fn starts_where(&self, other: &Listing) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage) && self.prefixes() == other.prefixes()
    }

    /// Lists the part of a store that these sources lie in. What is passed over is what none of them takes.
    async fn list_together(
        mut takers: Vec<Taker<'_>>,
        once: &mut KnownIds,
        several: bool,
        sink: &mut Sink,
    ) -> anyhow::Result<()> {
        let Some(first) = takers.first().map(|first| first.listing) else { return Ok(()) };
        let (place, prefixes) = (first.storage.place(), first.prefixes());
        let twice = prefixes.len() > 1; // some file systems take both for one
        let several = several || twice;
        for prefix in prefixes {
            let mut take = |listed: Listed<'_>| {
                let learn = |walk: &Arc<Walk>| walk.learn_source(&first.store, listed.path, listed.dates);
                if !first.walk.as_ref().is_none_or(learn) {
                    return false;
                }
                let (mut is_taken, mut is_twin, mut passed) = (false, false, None);
                for taker in &mut takers {
                    match taker.take(&listed, once, (several, twice), sink) {
                        // It is told although another source takes the file: here it is one too many.
                        Taken::Passed(PassedKind::SameId) => is_twin = true,
                        Taken::Passed(kind) if matches!(passed, None | Some(PassedKind::OtherName)) => {
                            passed = Some(kind);
                        }
                        Taken::Passed(_) => {}
                        Taken::GoOn(true) => is_taken = true,
                        Taken::GoOn(false) => return false,
                    }
                }
                if is_twin {
                    return first.pass(PassedKind::SameId, listed.path, sink);
                }
                passed.is_none_or(|kind| is_taken || first.pass(kind, listed.path, sink))
            };
            let mut each = |page: &Page| page.iter().all(&mut take);
            let is_dated = first.held_back.is_some() || first.walk.as_ref().is_some_and(|walk| walk.is_dated());
            let listed = match is_dated {
                true => first.storage.list_dated(&prefix, &mut each).await,
                false => first.storage.list(&prefix, &mut each).await,
            };
            listed.with_context(|| format!("could not list {place}"))?;
            first.walk.as_ref().map_or(Ok(()), |walk| walk.check())?;
        }
        for Taker { listing, odd, .. } in takers {
            let took = listing.take_odd(odd, once, several, sink).await;
            took.with_context(|| format!("could not look for sources in {place}"))?;
        }
        Ok(())
    }

    /// The start of all keys, and the same decomposed, as Macs write the names of folders.
    pub(super) fn prefixes(&self) -> BTreeSet<String> {
        let prefix = self.key.prefix();
        [prefix.to_owned(), decomposed_form(prefix).into_owned()].into()
    }

    /// Which lists of extensions a file is of, by their numbers: an id has one file of each, whatever its spelling.
    fn exts_of(&self, ext: &str) -> Vec<u16> {
        let is_of = |exts: &Arc<[String]>| !self.key.has_ext() || fits(exts, ext);
        (0..).zip(&self.exts).filter(|(_, exts)| is_of(exts)).map(|(number, _)| number).collect()
    }

    fn bury(&self, bad: BadName, sink: &mut Sink) -> bool {
        sink.put(Found::Bad(BadName { source: Some(self.source.clone()), ..bad }))
    }

    fn pass(&self, kind: PassedKind, path: &str, sink: &mut Sink) -> bool {
        sink.passed.add(kind.clone());
        !self.names_passed || sink.put(Found::Passed(kind, path.to_owned()))
    }

    /// What a listed path is; `normal` is its normal form.
    pub(super) fn meaning<'k>(&self, listed: &Listed<'k>, normal: &'k str) -> Meaning<'k> {
        let path = listed.path;
        let start = if path.starts_with(self.key.prefix()) { self.key.prefix().len() } else { 0 };
        let below = path[..start].rfind('/').map_or(0, |at| at + 1);
        // What the template itself names is not hidden.
        let mut segments = path[below..].split('/').skip(usize::from(below < start));
        if segments.any(is_hidden) {
            return Meaning::Passed(PassedKind::Hidden);
        }
        if let Some(kind) = listed.problem.and_then(PassedKind::of) {
            return Meaning::Passed(kind);
        }
        if !self.patterns.take(path) {
            return Meaning::Passed(PassedKind::Excluded);
        }
        if listed.problem == Some(ListedProblem::LeavesStore) {
            return Meaning::Passed(PassedKind::LinkOut);
        }
        // The constant part of the key may be decomposed too.
        let Some((name, ext)) = self.key.match_source(path).or_else(|| self.key.match_source(normal)) else {
            return Meaning::Passed(PassedKind::OtherName);
        };
        if self.key.has_ext() && !self.exts.iter().any(|exts| fits(exts, ext)) {
            let lower = ext.chars().take(20).collect::<String>().to_lowercase();
            // Of a known extension in mixed case, as written: in small letters it would be one that is asked for.
            let is_known = self.exts.iter().any(|exts| fits(exts, &lower));
            let ext = if is_known { ext.to_owned() } else { lower };
            return Meaning::Passed(PassedKind::Extension(ext));
        }
        listed.problem.map_or(Meaning::Entity(name, ext), |problem| Meaning::Bad(name, problem))
    }

    /// Takes the odd names. One whose id another file has too is an error that names both. One whose id was found in another
    /// source is a further name of it.
    async fn take_odd(&self, odd: OddNames, once: &mut KnownIds, several: bool, sink: &mut Sink) -> anyhow::Result<()> {
        for (id, names) in odd {
            let mut paths: Vec<String> = names.iter().map(|(_, path)| path.clone()).collect();
            paths.extend(self.plain_sources(&id).await?);
            let paths = each_once(&*self.storage, paths).await?;
            if self.clash(&paths) {
                let Some((written, _)) = names.first() else { continue };
                let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", escaped_form(path))).collect();
                let text =
                    format!("files of one id, which look alike: {}; rename or remove all but one", paths.join(" and "));
                if !self.bury(BadName::new(written, text), sink) {
                    break;
                }
                continue;
            }
            // Several files that do not clash are read by different jobs.
            for (written, _) in names.into_iter().take(paths.len()) {
                let may_come_again = several || paths.len() > 1;
                let found = match may_come_again && !once.is_new(Fingerprint::of("", id.as_str())) {
                    true => Found::Name(id.clone(), written),
                    false => Found::Id(id.clone(), Some(written)),
                };
                if !sink.put(found) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether several of these files of one id are for the same job.
    fn clash(&self, paths: &[String]) -> bool {
        if !self.key.has_ext() {
            return paths.len() > 1;
        }
        let is_for = |exts: &[String], path: &str| {
            let normal = normal_form(path);
            let matched = self.key.match_source(path).or_else(|| self.key.match_source(&normal));
            matched.is_some_and(|(_, ext)| fits(exts, ext))
        };
        self.exts.iter().any(|exts| paths.iter().filter(|path| is_for(exts, path)).count() > 1)
    }

    /// The sources of an id under its composed and its decomposed form.
    async fn plain_sources(&self, id: &EntityId) -> anyhow::Result<Vec<String>> {
        let form = EntityForm::default();
        let Some(parts) = form.split(id) else { return Ok(Vec::new()) };
        let exts: BTreeSet<String> = self.exts.iter().flat_map(|exts| exts.iter().cloned()).collect();
        let exts: Vec<String> = exts.into_iter().collect();
        Ok(find_spelled(&*self.storage, source_paths(&self.key, &exts, &parts)).await?.found)
    }
}

/// Whether an extension is one of these: as it is written there, or all in capitals.
fn fits(exts: &[String], ext: &str) -> bool {
    exts.iter()
        .any(|known| known == ext || (ext.eq_ignore_ascii_case(known) && !ext.bytes().any(|b| b.is_ascii_lowercase())))
}
