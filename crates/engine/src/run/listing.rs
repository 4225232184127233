//! A source whose names are the catalogue: which of them are entities, and what is passed over.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use anyhow::Context;
use euterpe_actors::edges::source_paths;
use euterpe_actors::ids::{EntityId, StoreName, decomposed_form, escaped_form, normal_form};
use euterpe_actors::memory::{Fingerprint, ListedDates};
use euterpe_actors::storage::{Listed, ListedProblem, Page, Storage, each_once, find_spelled, is_hidden, told_apart};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_graph_file::plan::Patterns;

use super::found::{BadName, Found, Sink, found};
use super::listed_for::{GoesTo, ListedFor};
use super::passed::PassedKind;

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
    /// Who wants to know when each source came.
    pub dates: Option<Arc<ListedDates>>,
}

/// A source while it is listed.
struct Taker<'l> {
    listing: &'l Listing,
    odd: OddNames,
    /// What was found in it, where a further file may have the same id.
    own: HashSet<Fingerprint>,
}

/// What a source made of a listed name.
enum Taken {
    /// It is the source's; whether anybody still wants more.
    GoOn(bool),
    /// It is none of its entities.
    Passed(PassedKind),
}

impl<'l> Taker<'l> {
    fn new(listing: &'l Listing) -> Self {
        Self { listing, odd: OddNames::new(), own: HashSet::new() }
    }

    /// Takes a name. `several` where its id may come from another source too, `twice` where the same file may be listed
    /// again.
    fn take(
        &mut self,
        listed: &Listed<'_>,
        once: &mut HashSet<Fingerprint>,
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
        if let Some(written) = written {
            self.odd.entry(id).or_default().push((written, listed.path.to_owned()));
            return Taken::GoOn(true);
        }
        // Two files of one id, and one id in two stores, are sent once; the worker names both files.
        let may_have_twins = source.key.has_ext() || !name.is_ascii();
        if may_have_twins && !twice && source.is_twin(&mut self.own, &id, ext) {
            return Taken::Passed(PassedKind::SameId);
        }
        let is_new = !(several || may_have_twins) || once.insert(Fingerprint::of("", id.as_str()));
        Taken::GoOn(!is_new || sink.put(Found::Id(id, None)))
    }
}

/// What a listed name is.
enum Meaning<'k> {
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
        let mut once = HashSet::new();
        let mut left: Vec<&Listing> = listings.iter().collect();
        while let Some(first) = left.first().copied() {
            let (together, others) = left.into_iter().partition(|other| first.starts_where(other));
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
        listings: Vec<&Listing>,
        once: &mut HashSet<Fingerprint>,
        several: bool,
        sink: &mut Sink,
    ) -> anyhow::Result<()> {
        let Some(first) = listings.first().copied() else { return Ok(()) };
        let (place, prefixes) = (first.storage.place(), first.prefixes());
        let twice = prefixes.len() > 1; // some file systems take both for one
        let several = several || twice;
        let mut takers: Vec<Taker> = listings.into_iter().map(Taker::new).collect();
        for prefix in prefixes {
            let mut take = |listed: Listed<'_>| {
                if let Some(dates) = &first.dates {
                    dates.learn_source(&first.store, listed.path, listed.dates);
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
            let listed = match first.dates {
                Some(_) => first.storage.list_dated(&prefix, &mut each).await,
                None => first.storage.list(&prefix, &mut each).await,
            };
            listed.with_context(|| format!("could not list {place}"))?;
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

    /// Whether a file that is listed is one more of an id for one of its jobs, by its extension or its spelling.
    fn is_twin(&self, own: &mut HashSet<Fingerprint>, id: &EntityId, ext: &str) -> bool {
        let mut is_twin = false;
        for (number, exts) in self.exts.iter().enumerate() {
            if !self.key.has_ext() || fits(exts, ext) {
                is_twin |= !own.insert(Fingerprint::of(&number.to_string(), id.as_str()));
            }
        }
        is_twin
    }

    fn bury(&self, bad: BadName, sink: &mut Sink) -> bool {
        sink.put(Found::Bad(BadName { source: Some(self.source.clone()), ..bad }))
    }

    fn pass(&self, kind: PassedKind, path: &str, sink: &mut Sink) -> bool {
        sink.passed.add(kind.clone());
        !self.names_passed || sink.put(Found::Passed(kind, path.to_owned()))
    }

    /// What a listed path is; `normal` is its normal form.
    fn meaning<'k>(&self, listed: &Listed<'k>, normal: &'k str) -> Meaning<'k> {
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
    async fn take_odd(
        &self,
        odd: OddNames,
        once: &mut HashSet<Fingerprint>,
        several: bool,
        sink: &mut Sink,
    ) -> anyhow::Result<()> {
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
                let found = match may_come_again && !once.insert(Fingerprint::of("", id.as_str())) {
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
