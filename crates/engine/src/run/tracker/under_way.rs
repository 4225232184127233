//! The entities under way, each with its turn: when it was sent, or last looked at. The first ones are looked at first.

use std::collections::{HashMap, VecDeque};

use euterpe_actors::ids::EntityId;

/// What part of the window those must be that others overtook, before storage is asked about them: an eighth.
const MANY: u64 = 8;

/// The entities under way.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    live: HashMap<EntityId, One>,
    /// In the order of their turns. What has ended, or had a later turn, means nothing.
    turns: VecDeque<(u64, EntityId)>,
    next: u64,
    /// Of whatever had its turn before this one a report may be lost.
    doubtful: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct One {
    /// The jobs that it still needs.
    pub left: Vec<u16>,
    /// Whether it only travels: nobody requires anything of it.
    pub is_ping: bool,
    turn: u64,
}

impl UnderWay {
    /// An entity is sent that needs these jobs. False where it is under way already.
    pub fn begin(&mut self, entity: &EntityId, left: Vec<u16>, is_ping: bool) -> bool {
        if self.live.contains_key(entity) {
            return false;
        }
        if !left.is_empty() {
            self.live.insert(entity.clone(), One { left, is_ping, turn: self.next });
            self.turns.push_back((self.next, entity.clone()));
            self.next += 1;
        }
        true
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// One of them.
    pub fn get(&self, entity: &EntityId) -> Option<&One> {
        self.live.get(entity)
    }

    /// One of them, to be changed.
    pub fn get_mut(&mut self, entity: &EntityId) -> Option<&mut One> {
        self.live.get_mut(entity)
    }

    /// One came to its end.
    pub fn end(&mut self, entity: &EntityId) {
        self.live.remove(entity);
        if self.turns.len() > 2 * self.live.len() + 64 {
            let live = &self.live;
            self.turns.retain(|(turn, entity)| live.get(entity).is_some_and(|one| one.turn == *turn));
        }
    }

    /// All that only travel are given up.
    pub fn end_pings(&mut self) {
        self.live.retain(|_, one| !one.is_ping);
    }

    /// Of whatever is under way a report may be lost.
    pub fn doubt(&mut self) {
        self.doubtful = self.next;
    }

    /// At most so many of all, the first ones first.
    pub fn oldest(&mut self, most: usize) -> Vec<EntityId> {
        self.take(most, self.next)
    }

    /// At most so many of those of which there is doubt.
    pub fn doubtful(&mut self, most: usize, window: usize) -> Vec<EntityId> {
        self.take(most, self.in_doubt_before(window))
    }

    /// At most so many of those that had their turn before `before`, the first ones first. This is their next turn.
    fn take(&mut self, most: usize, before: u64) -> Vec<EntityId> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some((turn, entity)) = self.turns.pop_front_if(|(turn, _)| *turn < before)
        {
            let Some(one) = self.live.get_mut(&entity).filter(|one| one.turn == turn) else { continue };
            one.turn = self.next;
            self.turns.push_back((self.next, entity.clone()));
            self.next += 1;
            taken.push(entity);
        }
        taken
    }

    /// Before which turn there is doubt. Whom two windows of others overtook, only where that keeps much of the window.
    fn in_doubt_before(&self, window: usize) -> u64 {
        let window = window as u64;
        let overtaken = self.next.saturating_sub(2 * window);
        let is_live = |(turn, entity): &&(u64, EntityId)| self.live.get(entity).is_some_and(|one| one.turn == *turn);
        let count = self.turns.iter().take_while(|(turn, _)| *turn < overtaken).filter(is_live).count() as u64;
        if count * MANY >= window { self.doubtful.max(overtaken) } else { self.doubtful }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> EntityId {
        EntityId::new(&format!("t-{number:05}")).expect("an id")
    }

    fn begin(under_way: &mut UnderWay, numbers: std::ops::Range<usize>) {
        numbers.for_each(|number| assert!(under_way.begin(&id(number), vec![0], false)));
    }

    fn ids(numbers: std::ops::Range<usize>) -> Vec<EntityId> {
        numbers.map(id).collect()
    }

    #[test]
    fn all_have_their_turn_before_anybody_has_another() {
        let mut under_way = UnderWay::default();
        begin(&mut under_way, 0..5);
        assert!(!under_way.begin(&id(3), vec![0], false), "it is under way");
        assert_eq!(under_way.oldest(2), ids(0..2));
        under_way.end(&id(3));
        let mut all = ids(2..3);
        all.extend([id(4), id(0), id(1)]);
        assert_eq!(under_way.oldest(9), all, "each once, whoever is left");
    }

    #[test]
    fn what_was_under_way_when_reports_were_lost_is_in_doubt_until_it_was_looked_at() {
        let mut under_way = UnderWay::default();
        begin(&mut under_way, 0..10);
        assert_eq!(under_way.doubtful(9, 1000), []);
        under_way.doubt();
        begin(&mut under_way, 10..20);
        let mut looked = Vec::new();
        for _ in 0..9 {
            looked.extend(under_way.doubtful(3, 1000));
        }
        assert_eq!(looked, ids(0..10));
    }

    #[test]
    fn few_that_stay_behind_are_left_alone_and_many_are_looked_at() {
        const WINDOW: usize = 80;
        let (mut few, mut many) = (UnderWay::default(), UnderWay::default());
        for (under_way, stay) in [(&mut few, 9), (&mut many, 10)] {
            begin(under_way, 0..stay);
            for number in stay..stay + 2 * WINDOW {
                begin(under_way, number..number + 1);
                under_way.end(&id(number));
            }
        }
        assert_eq!(few.doubtful(99, WINDOW), []);
        assert_eq!(many.doubtful(99, WINDOW), ids(0..10));
        assert_eq!(many.doubtful(99, WINDOW), [], "they had their turn");
    }

    #[test]
    fn what_has_ended_takes_no_room() {
        let mut under_way = UnderWay::default();
        begin(&mut under_way, 0..1); // it stays in front
        for number in 1..10_000 {
            begin(&mut under_way, number..number + 1);
            under_way.end(&id(number));
        }
        assert!(under_way.turns.len() < 100, "{}", under_way.turns.len());
        assert_eq!(under_way.oldest(9), ids(0..1));
    }
}
