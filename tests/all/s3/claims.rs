//! The suite of the port of claims over buckets. The server in memory has a clock that its test sets: the test's own time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::claims::{Claims, Lease, Leased, TTL};
use euterpe_actors::message::Target;
use euterpe_actors::storage::StorageError;
use euterpe_storage::s3::BucketClaims;
use tokio::{runtime::Handle, time::Instant};

use super::bucket::Bucket;
use super::server::{Server, late_in_a_second, store};

/// A server whose clock goes by the time of its test.
struct Clocked {
    server: Server,
    start: Duration,
    began: Instant,
}

impl Clocked {
    fn new(server: Server) -> Arc<Self> {
        Arc::new(Self { server, start: late_in_a_second(), began: Instant::now() })
    }

    /// Makes a call while the server's clock and the test's stand still at the same time.
    async fn at_its_time<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> T {
        self.server.tell(&format!("clock-millis {}", (self.start + self.began.elapsed()).as_millis()));
        let runtime = Handle::current();
        // While a thread of this kind works, the test's time does not pass.
        on_blocking_thread(move || runtime.block_on(call)).await.expect("a call does not panic")
    }
}

/// Claims of a node at a server with such a clock.
struct ClockedClaims {
    claims: Arc<BucketClaims>,
    at: Arc<Clocked>,
}

struct ClockedLease {
    lease: Option<Box<dyn Lease>>,
    at: Arc<Clocked>,
}

#[async_trait]
impl Claims for ClockedClaims {
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError> {
        let (claims, target) = (self.claims.clone(), target.clone());
        let leased = self.at.at_its_time(async move { claims.lease(&target).await }).await?;
        Ok(match leased {
            Leased::Yours(lease) => Leased::Yours(Box::new(ClockedLease { lease: Some(lease), at: self.at.clone() })),
            held => held,
        })
    }

    fn ttl(&self) -> Duration {
        self.claims.ttl()
    }

    fn lag(&self) -> Duration {
        self.claims.lag()
    }
}

#[async_trait]
impl Lease for ClockedLease {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        let mut lease = self.lease.take().expect("one call at a time");
        let renewing = async move {
            let renewed = lease.renew().await;
            (lease, renewed)
        };
        let (lease, renewed) = self.at.at_its_time(renewing).await;
        self.lease = Some(lease);
        renewed
    }

    async fn release(mut self: Box<Self>) -> Result<(), StorageError> {
        let lease = self.lease.take().expect("one call at a time");
        self.at.at_its_time(lease.release()).await
    }
}

/// A server in memory: all of the suite, with the ttl that nodes have.
mod memory {
    use super::*;

    euterpe_testkit::claims_suite!(start_paused = true; {
        let at = Clocked::new(Server::memory());
        let node = |name: &str| {
            let claims = Arc::new(BucketClaims::new(&at.server.store("state"), name, TTL));
            Arc::new(ClockedClaims { claims, at: at.clone() }) as Arc<dyn Claims>
        };
        (["a", "b"].map(node), at.clone())
    });
}

/// moto: the real time, and the shortest ttl that a server can tell. It looks whether a condition holds and writes after
/// that, on threads that run at once, so of those who ask at once several may get it; and it takes no removal with a
/// condition.
mod moto {
    use super::*;
    use euterpe_testkit::claims_suite;

    #[tokio::test]
    async fn what_it_can_is_as_the_suite_says() {
        let server = Bucket::at_moto();
        let two = |place: &str| {
            let claims = |node| BucketClaims::new(&server.store(place), node, Duration::from_secs(1));
            ["a", "b"].map(|node| Arc::new(claims(node)) as Arc<dyn Claims>)
        };
        claims_suite::odd_ids_are_told_apart(&two("one")).await;
        claims_suite::a_lease_is_taken_over_when_its_ttl_has_passed_and_not_before(&two("two")).await;
        claims_suite::who_was_taken_over_finds_out_and_leaves_the_successor_alone(&two("three")).await;
    }
}

fn target(entity: &str) -> Target {
    Target { job: "mel".parse().expect("a name"), entity: entity.parse().expect("an id") }
}

#[tokio::test]
async fn a_claim_costs_two_requests_says_who_holds_it_and_leaves_nothing() {
    let server = Server::memory();
    let [one, other] = ["a", "b"].map(|node| BucketClaims::new(&server.store("state"), node, TTL));
    one.lease(&target("warm")).await.map(drop).expect("asked");
    server.tell("forget");
    let Leased::Yours(lease) = one.lease(&target("a/b")).await.expect("asked") else { panic!("held by nobody") };
    lease.release().await.expect("released");
    let asked = server.asked();
    assert_eq!((asked["PutObject"], asked["DeleteObject"], asked.len()), (1, 1, 2), "{asked:?}");
    let Leased::Yours(lease) = one.lease(&target("a/b")).await.expect("asked") else { panic!("it was released") };
    let Leased::Held { by } = other.lease(&target("a/b")).await.expect("asked") else { panic!("held twice") };
    assert!(by.starts_with(&format!("a (process {} on ", std::process::id())), "{by}");
    lease.release().await.expect("released");
    let mut left = Vec::new();
    let mut page = |page: &euterpe_actors::storage::Page| {
        left.extend(page.paths().map(str::to_owned));
        true
    };
    use euterpe_actors::storage::Storage;
    server.store("state").list("claims/mel/", &mut page).await.expect("listed");
    assert_eq!(left.len(), 1, "all but the first, which nobody released: {left:?}");
}

#[tokio::test]
async fn requests_that_are_declined_and_answers_that_are_lost_take_no_claim_from_anybody() {
    let server = Server::memory();
    server.tell("declined-per-mille 100");
    server.tell("answers-lost-per-mille 200");
    let [one, other] = ["a", "b"].map(|node| BucketClaims::new(&server.store("state"), node, TTL));
    for n in 0..30 {
        let wanted = target(&format!("t-{n}"));
        let Leased::Yours(mut lease) = one.lease(&wanted).await.expect("asked") else { panic!("held by nobody") };
        assert!(matches!(other.lease(&wanted).await.expect("asked"), Leased::Held { .. }));
        assert!(lease.renew().await.expect("renewed"));
        lease.release().await.expect("released");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_trouble_and_no_answer() {
    let port = crate::rabbit::free_port();
    let tuning = euterpe_storage::s3::Tuning { tries: 1, ..Default::default() };
    let claims = BucketClaims::new(&store(&format!("http://127.0.0.1:{port}"), "state", tuning), "a", TTL);
    let error = claims.lease(&target("t")).await.expect_err("nobody is there");
    assert!(error.is_trouble(), "{error}");
}
