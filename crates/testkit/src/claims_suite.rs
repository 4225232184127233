//! What every place for claims must do: one suite for the claims port, run by each adapter.
//!
//! An adapter's tests hold one line, which becomes a test for each case. First comes how time passes (`start_paused =
//! true`, or `flavor = "current_thread"` where it is the real one), then an expression that makes an empty place as two
//! nodes see it, and a value that is kept until the case is over: `([Arc<dyn Claims>; 2], guard)`.
//!
//! The cases hold on slow machines too: a case that was held up for longer than the ttl demands less.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use euterpe_actors::claims::{Claimed, Claims, Lease, Leased};
use euterpe_actors::message::Target;

/// Makes one test of each case of the suite.
#[macro_export]
macro_rules! claims_suite {
    ($($time:ident = $how:expr),+; $make:expr) => {
        $crate::claims_suite!(@cases ($($time = $how),+) $make;
            of_eight_who_ask_at_once_one_gets_it,
            of_eight_who_take_over_at_once_one_gets_it,
            a_lease_is_held_until_it_is_released,
            a_lease_is_taken_over_when_its_ttl_has_passed_and_not_before,
            a_lease_that_is_renewed_is_not_taken_over,
            a_lease_that_ran_out_and_that_nobody_took_can_be_renewed,
            who_was_taken_over_finds_out_and_leaves_the_successor_alone,
            a_claim_is_free_again_when_it_was_released_and_soon_after_it_was_dropped,
            odd_ids_are_told_apart
        );
    };
    (@cases $time:tt $make:expr; $($case:ident),+) => {
        mod suite {
            #[allow(unused_imports)]
            use super::*;
            $( $crate::claims_suite!(@case $time $make; $case); )+
        }
    };
    (@case ($($time:tt)+) $make:expr; $case:ident) => {
        #[tokio::test($($time)+)]
        async fn $case() {
            let (nodes, _kept_until_the_end) = $make;
            $crate::claims_suite::$case(&nodes).await;
        }
    };
}

/// One place for claims, as two nodes see it.
pub type Nodes = [Arc<dyn Claims>; 2];

fn target(entity: &str) -> Target {
    Target { job: "mel".parse().expect("a name"), entity: entity.parse().expect("an id") }
}

async fn lease(claims: &dyn Claims, target: &Target) -> Leased {
    claims.lease(target).await.unwrap_or_else(|error| panic!("{target}: {error}"))
}

async fn taken(claims: &dyn Claims, target: &Target) -> Box<dyn Lease> {
    match lease(claims, target).await {
        Leased::Yours(lease) => lease,
        Leased::Held { by } => panic!("{target} is held by {by}"),
    }
}

async fn is_held(claims: &dyn Claims, target: &Target) -> bool {
    matches!(lease(claims, target).await, Leased::Held { .. })
}

/// Asks until it gets the lease of somebody who does not renew it.
async fn take_over(claims: &dyn Claims, target: &Target) -> Box<dyn Lease> {
    loop {
        match lease(claims, target).await {
            Leased::Yours(lease) => return lease,
            Leased::Held { .. } => sleep(claims.ttl() / 10).await,
        }
    }
}

/// Eight on threads of their own ask for each target at once; how many got each.
fn race(nodes: &Nodes, targets: &[Target]) -> Vec<usize> {
    let (start, clock) = (&Barrier::new(8), &tokio::runtime::Handle::current());
    let racer = move |claims: &Arc<dyn Claims>| {
        let one = |target| {
            start.wait();
            clock.block_on(lease(&**claims, target))
        };
        let won = targets.iter().map(|target| matches!(one(target), Leased::Yours(_)));
        won.collect::<Vec<bool>>()
    };
    thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|n| scope.spawn(move || racer(&nodes[n % 2]))).collect();
        let won: Vec<Vec<bool>> = racers.into_iter().map(|racer| racer.join().expect("a racer ends")).collect();
        (0..targets.len()).map(|at| won.iter().filter(|racer| racer[at]).count()).collect()
    })
}

fn exactly_one_got_each(nodes: &Nodes, targets: &[Target]) {
    let began = std::time::Instant::now();
    let winners = race(nodes, targets);
    let held_up = began.elapsed() >= nodes[0].ttl(); // then the lease of a round may have run out within it
    assert!(winners.iter().all(|won| *won == 1 || held_up && *won > 1), "so many got each target: {winners:?}");
}

fn fifty() -> Vec<Target> {
    (0..50).map(|n| target(&format!("t-{n}"))).collect()
}

/// A right to work that two nodes had would be work done twice.
pub async fn of_eight_who_ask_at_once_one_gets_it(nodes: &Nodes) {
    fifty().chunks(10).for_each(|targets| exactly_one_got_each(nodes, targets));
}

/// A node that died leaves many leases, and the others come upon them at once.
pub async fn of_eight_who_take_over_at_once_one_gets_it(nodes: &Nodes) {
    for target in &fifty() {
        drop(taken(&*nodes[0], target).await);
    }
    sleep(nodes[0].ttl() + nodes[0].lag() + Duration::from_millis(50)).await;
    fifty().chunks(10).for_each(|targets| exactly_one_got_each(nodes, targets));
}

/// For everybody, also for the node that holds it: its next work on the target waits for the end of this one.
pub async fn a_lease_is_held_until_it_is_released(nodes: &Nodes) {
    let (wanted, began) = (target("t-1"), Instant::now());
    let lease = taken(&*nodes[0], &wanted).await;
    let held = is_held(&*nodes[1], &wanted).await && is_held(&*nodes[0], &wanted).await;
    assert!(held || began.elapsed() >= nodes[0].ttl());
    drop(taken(&*nodes[1], &target("t-2")).await);
    lease.release().await.expect("released");
    taken(&*nodes[1], &wanted).await.release().await.expect("released");
    drop(taken(&*nodes[0], &wanted).await);
}

/// A node that died holds nothing up for longer, and one that lives is not robbed.
pub async fn a_lease_is_taken_over_when_its_ttl_has_passed_and_not_before(nodes: &Nodes) {
    let (wanted, began) = (target("t-1"), Instant::now());
    drop(taken(&*nodes[0], &wanted).await);
    drop(take_over(&*nodes[1], &wanted).await);
    let (lasted, tick) = (began.elapsed(), Duration::from_millis(20)); // the clock of a file system ticks slowly
    assert!(lasted + tick >= nodes[0].ttl(), "taken over after {lasted:?}");
}

/// Long work keeps its lease.
pub async fn a_lease_that_is_renewed_is_not_taken_over(nodes: &Nodes) {
    let wanted = target("t-1");
    let mut lease = taken(&*nodes[0], &wanted).await;
    let (ttl, began) = (nodes[0].ttl(), Instant::now());
    while began.elapsed() < ttl * 3 {
        sleep(ttl / 5).await;
        let renewing = Instant::now();
        let renewed = lease.renew().await.expect("renewed");
        let held = is_held(&*nodes[1], &wanted).await;
        if renewing.elapsed() >= ttl {
            return;
        }
        assert!(renewed && held);
    }
    lease.release().await.expect("released");
    drop(taken(&*nodes[1], &wanted).await);
}

/// A node that was held up and missed nothing goes on.
pub async fn a_lease_that_ran_out_and_that_nobody_took_can_be_renewed(nodes: &Nodes) {
    let wanted = target("t-1");
    let mut lease = taken(&*nodes[0], &wanted).await;
    sleep(nodes[0].ttl() * 2).await;
    let began = Instant::now();
    assert!(lease.renew().await.expect("renewed"));
    assert!(is_held(&*nodes[1], &wanted).await || began.elapsed() >= nodes[0].ttl());
}

/// A node that was taken for dead and goes on.
pub async fn who_was_taken_over_finds_out_and_leaves_the_successor_alone(nodes: &Nodes) {
    let wanted = target("t-1");
    let mut zombie = taken(&*nodes[0], &wanted).await;
    let mut successor = take_over(&*nodes[1], &wanted).await;
    assert!(!zombie.renew().await.expect("asked"), "a zombie renewed what is another's");
    zombie.release().await.expect("asked");
    assert!(successor.renew().await.expect("renewed"), "a zombie's release took the lease from its successor");
    successor.release().await.expect("released");
    drop(taken(&*nodes[0], &wanted).await);
}

/// Who says so waits for it; who only lets go of it does not.
pub async fn a_claim_is_free_again_when_it_was_released_and_soon_after_it_was_dropped(nodes: &Nodes) {
    let wanted = target("t-1");
    let claim = |node: usize| {
        let (claims, wanted) = (nodes[node].clone(), &wanted);
        async move { claims.claim(wanted, Box::new(|| {})).await.unwrap_or_else(|error| panic!("{error}")) }
    };
    let Claimed::Yours(first) = claim(0).await else { panic!("held by nobody") };
    assert!(matches!(claim(1).await, Claimed::Held { .. }));
    first.release().await;
    let began = Instant::now();
    let Claimed::Yours(second) = claim(1).await else { panic!("it was released") };
    drop(second);
    let third = loop {
        match claim(0).await {
            Claimed::Yours(third) => break third,
            Claimed::Held { .. } => sleep(Duration::from_millis(1)).await,
        }
    };
    let took = began.elapsed();
    assert!(took < nodes[0].ttl() || took > nodes[0].ttl() * 3, "it was not released and ran out");
    third.release().await;
}

/// Ids hold slashes, dots at their start, percent signs, all of Unicode, and hundreds of bytes.
pub async fn odd_ids_are_told_apart(nodes: &Nodes) {
    let long = "x".repeat(505);
    let ids = ["a/b", "a%2Fb", "a b", ".hidden", "é", "a,b", "CON", "~", &format!("{long}a"), &format!("{long}b")];
    let mut leases = Vec::new();
    for id in ids {
        leases.push(taken(&*nodes[0], &target(id)).await);
    }
    let other_job = Target { job: "pcm".parse().expect("a name"), ..target("a/b") };
    leases.push(taken(&*nodes[1], &other_job).await);
    for lease in leases {
        lease.release().await.expect("released");
    }
    for id in ids {
        drop(taken(&*nodes[1], &target(id)).await);
    }
}
