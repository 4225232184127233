//! Jobs that share the cores of a machine: nobody creeps beside long works, nobody starves beside short ones.

use std::{cell::Cell, rc::Rc, time::Duration};

use euterpe_actors::ids::JobName;
use euterpe_actors::turns::Turns;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

/// What the workers of one job do, over and over.
#[derive(Clone, Copy)]
struct Works {
    /// How long each work has a core.
    long: Duration,
    /// How long its worker is busy after it, without a core.
    storing: Duration,
    workers: usize,
    most: usize,
    begin_at: Duration,
}

const fn works(long_ms: u64, storing_ms: u64, workers: usize) -> Works {
    Works {
        long: Duration::from_millis(long_ms),
        storing: Duration::from_millis(storing_ms),
        workers,
        most: usize::MAX,
        begin_at: Duration::ZERO,
    }
}

/// Lets jobs share cores for so long. For each job, when each of its works ended.
async fn share(cores: usize, jobs: &[Works], span: Duration) -> Vec<Vec<Duration>> {
    let names: Vec<JobName> = (0..jobs.len()).map(|at| format!("j{at}").parse().expect("a name")).collect();
    let turns = Turns::share(cores, names.clone());
    let (began, busy) = (Instant::now(), Rc::new(Cell::new(0)));
    let ends: Vec<Rc<std::cell::RefCell<Vec<Duration>>>> = jobs.iter().map(|_| Rc::default()).collect();
    let local = LocalSet::new();
    for ((name, job), ends) in names.iter().zip(jobs).zip(&ends) {
        let left = Rc::new(Cell::new(job.most));
        for _ in 0..job.workers {
            let (turns, job, ends, left, busy) = (turns[name].clone(), *job, ends.clone(), left.clone(), busy.clone());
            local.spawn_local(async move {
                sleep(job.begin_at).await;
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    let mut turn = match turns.try_take() {
                        Some(turn) => turn,
                        None => turns.take().await,
                    };
                    busy.set(busy.get() + 1);
                    assert!(busy.get() <= cores, "{} works at once on {cores} cores", busy.get());
                    turn.begins_work();
                    sleep(job.long).await;
                    busy.set(busy.get() - 1);
                    drop(turn);
                    sleep(job.storing).await;
                    ends.borrow_mut().push(began.elapsed());
                }
            });
        }
    }
    local.run_until(sleep(span)).await;
    ends.into_iter().map(|ends| ends.take()).collect()
}

fn last(ends: &[Duration]) -> Duration {
    *ends.last().expect("some ended")
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn three_hundred_short_works_keep_nine_tenths_of_their_rate_beside_long_ones_whoever_comes_first() {
    let short = Works { most: 300, ..works(1, 9, 2) };
    let alone = last(&share(2, &[short], MINUTE).await[0]);
    for (long_at, short_at) in [(0, 0), (0, 1), (700, 0)] {
        let long = Works { begin_at: Duration::from_millis(long_at), ..works(5000, 1, 2) };
        let short = Works { begin_at: Duration::from_millis(short_at), ..short };
        let ends = share(2, &[long, short], MINUTE).await;
        assert_eq!(ends[1].len(), 300);
        let took = last(&ends[1]) - short.begin_at;
        assert!(took.mul_f64(0.9) <= alone, "{took:?} beside long works, {alone:?} alone");
        assert!(ends[0].len() >= 20, "{} long works in a minute", ends[0].len());
    }
}

#[tokio::test(start_paused = true)]
async fn short_works_that_come_while_long_ones_have_all_cores_wait_for_one_of_them_and_for_no_more() {
    let late = Works { most: 300, begin_at: Duration::from_secs(12), ..works(1, 9, 2) };
    let ends = share(2, &[works(5000, 1, 2), late], MINUTE).await;
    assert_eq!(ends[1].len(), 300);
    let took = last(&ends[1]) - late.begin_at;
    assert!(took < Duration::from_secs(5 + 2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_stream_of_short_works_does_not_starve_long_ones_and_the_other_way_round() {
    for cores in [1, 2, 4] {
        let ends = share(cores, &[works(5000, 1, cores), works(10, 0, cores)], 5 * MINUTE).await;
        let time = |ends: &[Duration], each: u64| ends.len() as u64 * each;
        let (long, short) = (time(&ends[0], 5000), time(&ends[1], 10));
        let fair = 5 * 60_000 * cores as u64 / 2;
        let most = long.max(short);
        assert!(long.min(short) * 3 > fair, "{long} and {short} ms of core time, {fair} would be fair");
        assert!(long + short + 25_000 > 2 * fair * 9 / 10, "cores were idle: {long} and {short} ms, {most}");
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_of_equal_works_share_alike_and_leave_no_core_idle() {
    let jobs = [works(8000, 0, 2); 8];
    let ends = share(2, &jobs, Duration::from_secs(8 * 40 + 1)).await;
    let counts: Vec<usize> = ends.iter().map(Vec::len).collect();
    assert!(counts.iter().all(|count| (9..=11).contains(count)), "{counts:?}");
    assert!(counts.iter().sum::<usize>() >= 79, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn one_job_alone_has_all_cores_at_once() {
    let ends = share(4, &[works(1000, 0, 4)], Duration::from_millis(1500)).await;
    assert_eq!(ends[0], [Duration::from_secs(1); 4]);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_passes_the_turn_on() {
    let [a, b] = ["a", "b"].map(|name| name.parse::<JobName>().expect("a name"));
    let turns = Turns::share(1, [a.clone(), b.clone()]);
    tokio::time::advance(Duration::from_secs(1)).await;
    let first = turns[&a].take().await;
    let mut gone = Box::pin(turns[&b].take());
    let mut waits = Box::pin(turns[&a].take());
    assert!(futures::poll!(&mut gone).is_pending() && futures::poll!(&mut waits).is_pending());
    assert!(turns[&a].try_take().is_none());
    drop(first); // granted to `gone`, which never learns of it
    drop(gone);
    let again = waits.await;
    drop(again);
    assert!(turns[&b].try_take().is_some());
}
