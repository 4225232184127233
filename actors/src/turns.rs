//! Shares the cores of a machine among jobs that name no number of workers: fair turns, by the time that each job had cores.
//!
//! A free core goes to the job that had the least core time of late, and within a job to who came first. So a job of long
//! works and one of short works each get their share of time, and not one entity each. The last free core goes to a job that
//! has none, if such a job waits.
//!
//! A core that was given to a long work is gone for long. So where a job that has cores would get the last free one too, and
//! another job of much shorter works was at work a moment ago, the core waits a little for that other job to come again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::ids::JobName;

/// After how long core time counts half.
const HALF_LIFE: f64 = 30.0;
/// The longest that the last free core waits for a job of shorter works.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// What part of a work's usual length the last free core may wait before it.
const PART: f64 = 25.0;
/// How much shorter the works of the other job must be.
const SHORTER: f64 = 10.0;
/// How long after its last work a job is expected to come again.
const EXPECTED: Duration = Duration::from_secs(1);

/// The cores as one of the jobs that share them sees them.
#[derive(Clone)]
pub struct Turns {
    table: Arc<Mutex<Table>>,
    job: usize,
}

/// The right to work on one core, until it is dropped.
pub struct Turn {
    turns: Turns,
    began: Instant,
    worked: bool,
}

struct Table {
    cores: usize,
    free: usize,
    jobs: Vec<Share>,
    /// When a core last became free.
    freed: Instant,
    /// When a core was asked for first.
    began: Option<Instant>,
    next_ticket: u64,
}

/// What one job had of the cores, and who of it waits.
#[derive(Default)]
struct Share {
    waiting: VecDeque<(u64, Arc<Notify>)>,
    /// Tickets that got a core and do not know yet.
    granted: Vec<u64>,
    running: usize,
    /// Core seconds, of which the older count less, as of `at`.
    used: f64,
    at: Option<Instant>,
    /// The usual length of its works in seconds.
    usual: Option<f64>,
    /// When it last asked for a core or gave one back.
    active: Option<Instant>,
}

/// What a job that asks for a core is told.
enum Answer {
    Granted,
    /// Another has its turn; a notice will come.
    Wait,
    /// It is its turn, but not before this moment.
    NotBefore(Instant),
}

impl Turns {
    /// Shares so many cores among jobs.
    pub fn share(cores: usize, jobs: impl IntoIterator<Item = JobName>) -> HashMap<JobName, Turns> {
        let jobs: Vec<JobName> = jobs.into_iter().collect();
        let shares = jobs.iter().map(|_| Share::default()).collect();
        let cores = cores.max(1);
        let table = Table { cores, free: cores, jobs: shares, freed: Instant::now(), began: None, next_ticket: 0 };
        let table = Arc::new(Mutex::new(table));
        jobs.into_iter().enumerate().map(|(job, name)| (name, Turns { table: table.clone(), job })).collect()
    }

    /// A core, if one is free and nobody has to wait for it.
    pub fn try_take(&self) -> Option<Turn> {
        let (mut table, now) = (self.locked(), Instant::now());
        table.asks(self.job, now);
        let nobody_waits = table.jobs.iter().all(|share| share.waiting.is_empty());
        let at_once = table.free > 0 && nobody_waits && table.not_before(self.job, now) <= now;
        at_once.then(|| {
            table.give(self.job, now);
            self.turn(now)
        })
    }

    /// A core, when it is the job's turn.
    pub async fn take(&self) -> Turn {
        let mut ticket = Ticket::of(self);
        loop {
            let notice = ticket.notice.clone();
            let noticed = notice.notified();
            tokio::pin!(noticed);
            noticed.as_mut().enable();
            let now = Instant::now();
            let answer = self.locked().answer(self.job, ticket.number, now);
            match answer {
                Answer::Granted => {
                    ticket.is_used = true;
                    return self.turn(now);
                }
                Answer::Wait => noticed.await,
                Answer::NotBefore(moment) => {
                    tokio::select! {
                        biased;
                        () = noticed => {}
                        () = tokio::time::sleep_until(moment) => {}
                    }
                }
            }
        }
    }

    fn turn(&self, now: Instant) -> Turn {
        Turn { turns: self.clone(), began: now, worked: false }
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line of a job. Whoever leaves without the core that was granted gives it to the next.
struct Ticket<'t> {
    turns: &'t Turns,
    number: u64,
    notice: Arc<Notify>,
    is_used: bool,
}

impl<'t> Ticket<'t> {
    fn of(turns: &'t Turns) -> Self {
        let (mut table, notice) = (turns.locked(), Arc::new(Notify::new()));
        table.asks(turns.job, Instant::now());
        table.next_ticket += 1;
        let number = table.next_ticket;
        table.jobs[turns.job].waiting.push_back((number, notice.clone()));
        Self { turns, number, notice, is_used: false }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let (mut table, now) = (self.turns.locked(), Instant::now());
        let share = &mut table.jobs[self.turns.job];
        share.waiting.retain(|(number, _)| *number != self.number);
        let granted = share.granted.iter().position(|number| *number == self.number);
        if let Some(at) = granted {
            share.granted.swap_remove(at);
            table.take_back(self.turns.job, now);
        }
        table.hand_out(now, None);
    }
}

impl Turn {
    /// Work begins: how long it takes tells how long the works of this job are.
    pub fn begins_work(&mut self) {
        (self.began, self.worked) = (Instant::now(), true);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (mut table, now) = (self.turns.locked(), Instant::now());
        if self.worked {
            table.jobs[self.turns.job].worked_for((now - self.began).as_secs_f64());
        }
        table.take_back(self.turns.job, now);
        table.hand_out(now, None);
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn")
    }
}

impl Table {
    fn asks(&mut self, job: usize, now: Instant) {
        self.began.get_or_insert(now);
        self.jobs[job].active = Some(now);
    }

    fn give(&mut self, job: usize, now: Instant) {
        self.jobs[job].count(now);
        self.jobs[job].running += 1;
        self.free -= 1;
    }

    fn take_back(&mut self, job: usize, now: Instant) {
        let share = &mut self.jobs[job];
        share.count(now);
        share.active = Some(now);
        share.running -= 1;
        self.free += 1;
        self.freed = now;
    }

    /// What the holder of a ticket is told.
    fn answer(&mut self, job: usize, ticket: u64, now: Instant) -> Answer {
        let next = self.hand_out(now, Some(ticket));
        let granted = &mut self.jobs[job].granted;
        if let Some(at) = granted.iter().position(|number| *number == ticket) {
            granted.swap_remove(at);
            return Answer::Granted;
        }
        match next {
            Some((next, moment)) if next == ticket => Answer::NotBefore(moment),
            _ => Answer::Wait,
        }
    }

    /// Gives free cores to those whose turn it is. Where the next of them has to wait a little: who that is, and until when.
    /// It is woken to look at the clock, unless it is the `asker`.
    fn hand_out(&mut self, now: Instant, asker: Option<u64>) -> Option<(u64, Instant)> {
        while self.free > 0 {
            let job = self.next_job(now)?;
            let moment = self.not_before(job, now);
            if moment > now {
                let (ticket, notice) = self.jobs[job].waiting.front()?;
                if asker != Some(*ticket) {
                    notice.notify_one();
                }
                return Some((*ticket, moment));
            }
            let (ticket, notice) = self.jobs[job].waiting.pop_front()?;
            self.jobs[job].granted.push(ticket);
            self.give(job, now);
            notice.notify_one();
        }
        None
    }

    /// Of the jobs that wait, the one that had the least core time of late. For the last free core, one that has no core.
    fn next_job(&mut self, now: Instant) -> Option<usize> {
        self.jobs.iter_mut().filter(|share| !share.waiting.is_empty()).for_each(|share| share.count(now));
        let waiting = self.jobs.iter().enumerate().filter(|(_, share)| !share.waiting.is_empty());
        let has_core = |share: &Share| self.free == 1 && share.running > 0;
        let order =
            |one: &Share, other: &Share| has_core(one).cmp(&has_core(other)).then(one.used.total_cmp(&other.used));
        waiting.min_by(|(_, one), (_, other)| order(one, other)).map(|(job, _)| job)
    }

    /// The moment from which a job may have a core.
    fn not_before(&self, job: usize, now: Instant) -> Instant {
        let own = &self.jobs[job];
        let is_its_first = self.cores > 1 && own.running == 0;
        if self.free > 1 || self.jobs.len() < 2 || is_its_first {
            return now;
        }
        let is_shorter = |other: f64| own.usual.is_none_or(|usual| other * SHORTER < usual);
        let comes_again = |other: &Share| {
            other.waiting.is_empty()
                && other.usual.is_some_and(is_shorter)
                && other.active.is_some_and(|active| now - active < EXPECTED)
        };
        let wait = own.usual.map_or(LONGEST_WAIT, |usual| Duration::from_secs_f64(usual / PART).min(LONGEST_WAIT));
        if self.jobs.iter().any(comes_again) {
            return self.freed + wait;
        }
        match own.usual {
            Some(_) => now,
            // Nothing is known yet: at the beginning all jobs get a chance.
            None => self.began.map_or(now, |began| began + LONGEST_WAIT),
        }
    }
}

impl Share {
    /// Counts the core time until now: it grows with the cores that the job has, and fades.
    fn count(&mut self, now: Instant) {
        let since = self.at.replace(now).map_or(0.0, |at| (now - at).as_secs_f64());
        if since > 0.0 {
            let fade = std::f64::consts::LN_2 / HALF_LIFE;
            let kept = (-fade * since).exp();
            self.used = self.used * kept + self.running as f64 * (1.0 - kept) / fade;
        }
    }

    fn worked_for(&mut self, seconds: f64) {
        self.usual = Some(self.usual.map_or(seconds, |usual| usual * 0.75 + seconds * 0.25));
    }
}
