//! The entities of a catalogue with the state of each of their jobs, packed: a byte for each job, and the ids one behind the other.

use euterpe_engine::ItemState;

use crate::words::STATES;

/// The most entities that are kept; of a larger catalogue only counts are.
pub(crate) const MOST: usize = 2_000_000;
/// The most bytes of their ids.
const MOST_BYTES: usize = 192 << 20;

/// The state of a job for an entity that it does not take.
const NONE: u8 = u8::MAX;

/// Entities in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    jobs: usize,
    ids: String,
    /// Where each id ends, in the order in which they came.
    ends: Vec<u32>,
    states: Vec<u8>,
    /// The places of the entities in the order of their ids.
    order: Vec<u32>,
    is_full: bool,
}

/// Which entities are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Whose ids begin so.
    pub prefix: String,
    /// Whose ids hold this anywhere, whatever the case of ASCII letters.
    pub text: String,
    /// With a job in one of these states; with any where there is none.
    pub states: Vec<ItemState>,
    /// The job that is meant; any where there is none.
    pub job: Option<usize>,
}

/// An entity.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'c> {
    pub id: &'c str,
    /// The state of each job that takes it.
    pub states: Vec<Option<ItemState>>,
}

/// Some rows of those that are meant.
#[derive(Debug)]
pub(crate) struct Rows<'c> {
    pub rows: Vec<Row<'c>>,
    /// How many are meant in all.
    pub total: usize,
}

impl Catalogue {
    /// None yet, for so many jobs.
    pub(crate) fn new(jobs: usize) -> Self {
        Self { jobs, ..Self::default() }
    }

    /// Adds an entity with the states of jobs, by their numbers. Beyond the bound it is not kept, and nothing is.
    pub(crate) fn push(&mut self, id: &str, states: impl Iterator<Item = (usize, ItemState)>) {
        if self.is_full || self.ends.len() >= MOST || self.ids.len() + id.len() > MOST_BYTES {
            *self = Self { jobs: self.jobs, is_full: true, ..Self::default() };
            return;
        }
        self.ids.push_str(id);
        self.ends.push(self.ids.len() as u32);
        let from = self.states.len();
        self.states.resize(from + self.jobs, NONE);
        for (job, state) in states {
            if let Some(place) = self.states.get_mut(from + job) {
                *place = STATES.iter().position(|other| *other == state).map_or(NONE, |at| at as u8);
            }
        }
    }

    /// Puts the entities in order, after the last one; none where there were too many.
    pub(crate) fn sorted(mut self) -> Option<Self> {
        if self.is_full {
            return None;
        }
        self.ids.shrink_to_fit();
        self.states.shrink_to_fit();
        let mut order: Vec<u32> = (0..self.ends.len() as u32).collect();
        order.sort_unstable_by_key(|at| self.id(*at as usize));
        self.order = order;
        Some(self)
    }

    fn id(&self, at: usize) -> &str {
        let from = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.ids[from..self.ends[at] as usize]
    }

    fn states(&self, at: usize) -> &[u8] {
        &self.states[at * self.jobs..(at + 1) * self.jobs]
    }

    /// How many entities there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// So many of those that are meant, behind the first `skipped` ones.
    pub(crate) fn rows(&self, filter: &Filter, skipped: usize, most: usize) -> Rows<'_> {
        let prefix = filter.prefix.as_str();
        let from = self.order.partition_point(|at| self.id(*at as usize) < prefix);
        let rest = &self.order[from..];
        let to = rest.partition_point(|at| self.id(*at as usize).starts_with(prefix));
        let meant = |at: &&u32| {
            let at = **at as usize;
            self.is_in_state(at, filter) && holds(self.id(at), &filter.text)
        };
        let (mut total, mut rows) = (0, Vec::new());
        for at in rest[..to].iter().filter(meant) {
            if (skipped..skipped + most).contains(&total) {
                rows.push(self.row(*at as usize));
            }
            total += 1;
        }
        Rows { rows, total }
    }

    /// The entity of an id, and its neighbours before and behind it.
    pub(crate) fn around(&self, id: &str) -> (Option<&str>, Option<Row<'_>>, Option<&str>) {
        let at = self.order.partition_point(|at| self.id(*at as usize) < id);
        let named = |at: usize| self.order.get(at).map(|at| self.id(*at as usize));
        let own = self.order.get(at).filter(|at| self.id(**at as usize) == id).map(|at| self.row(*at as usize));
        let next = if own.is_some() { named(at + 1) } else { named(at) };
        (at.checked_sub(1).and_then(named), own, next)
    }

    fn row(&self, at: usize) -> Row<'_> {
        let states = self.states(at).iter().map(|state| STATES.get(usize::from(*state)).copied());
        Row { id: self.id(at), states: states.collect() }
    }

    fn is_in_state(&self, at: usize, filter: &Filter) -> bool {
        let is_wanted = |state: &u8| match STATES.get(usize::from(*state)) {
            Some(state) => filter.states.is_empty() || filter.states.contains(state),
            None => false,
        };
        match filter.job {
            Some(job) => self.states(at).get(job).is_some_and(is_wanted),
            None => filter.states.is_empty() || self.states(at).iter().any(is_wanted),
        }
    }
}

/// Whether an id holds a text, whatever the case of ASCII letters.
fn holds(id: &str, text: &str) -> bool {
    let (id, text) = (id.as_bytes(), text.as_bytes());
    text.is_empty() || id.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ItemState::{Dead, Done, Missing};

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::new(2);
        for (id, first, second) in
            [("b/2", Done, Some(Dead)), ("a/1", Done, Some(Done)), ("ä", Missing, None), ("b/10", Done, None)]
        {
            catalogue.push(id, [Some((0, first)), second.map(|state| (1, state))].into_iter().flatten());
        }
        catalogue.sorted().expect("few")
    }

    fn ids(rows: &Rows<'_>) -> Vec<String> {
        rows.rows.iter().map(|row| row.id.to_owned()).collect()
    }

    #[test]
    fn entities_are_found_by_prefix_text_job_and_state_page_by_page() {
        let all = catalogue();
        let found = |filter: Filter| ids(&all.rows(&filter, 0, 10));
        assert_eq!(found(Filter::default()), ["a/1", "b/10", "b/2", "ä"]);
        assert_eq!(found(Filter { prefix: "b/".into(), ..Filter::default() }), ["b/10", "b/2"]);
        assert_eq!(found(Filter { text: "/1".into(), ..Filter::default() }), ["a/1", "b/10"]);
        assert_eq!(found(Filter { text: "B".into(), ..Filter::default() }), ["b/10", "b/2"]);
        assert_eq!(found(Filter { states: vec![Dead], ..Filter::default() }), ["b/2"]);
        assert_eq!(found(Filter { states: vec![Dead, Missing], ..Filter::default() }), ["b/2", "ä"]);
        assert_eq!(found(Filter { job: Some(1), ..Filter::default() }), ["a/1", "b/2"]);
        assert_eq!(found(Filter { job: Some(7), ..Filter::default() }), [""; 0]);
        let page = all.rows(&Filter::default(), 1, 2);
        assert_eq!((ids(&page), page.total), (vec!["b/10".to_owned(), "b/2".to_owned()], 4));
    }

    #[test]
    fn an_entity_has_its_states_and_neighbours() {
        let all = catalogue();
        let (before, own, next) = all.around("b/2");
        assert_eq!((before, next), (Some("b/10"), Some("ä")));
        assert_eq!(own.expect("there").states, [Some(Done), Some(Dead)]);
        let (before, own, next) = all.around("b/11");
        assert_eq!((before, own, next), (Some("b/10"), None, Some("b/2")));
        assert_eq!(Catalogue::new(1).sorted().expect("few").around("x"), (None, None, None));
    }
}
