//! Large listings: whatever their keys and whatever the server does with ranges of them, each key is listed once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use euterpe_actors::storage::{Page, Storage, StorageErrorKind};

use super::fake_server::{Answer, FakeServer, Request};
use super::keys::{decoded, encoded};
use super::storage::S3Storage;

/// How many keys a page has.
const PAGE: usize = 10;

/// What is odd about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Oddity {
    None,
    /// It begins every listing at the first key.
    BeginsAtTheStart,
    /// It lists in the order of the keys' ends.
    NoOrder,
    /// The same, from the twentieth page on.
    NoOrderAtLast,
}

/// A server with these keys.
async fn server(keys: &[String], oddity: Oddity) -> FakeServer {
    let server = FakeServer::start().await;
    let mut all = keys.to_vec();
    all.sort_unstable();
    let backwards = |keys: &mut [String]| keys.sort_by_key(|key| key.chars().rev().collect::<String>());
    match oddity {
        Oddity::NoOrder => backwards(&mut all),
        Oddity::NoOrderAtLast => backwards(&mut all[20 * PAGE..]),
        Oddity::None | Oddity::BeginsAtTheStart => {}
    }
    server.decides(move |request| request.query.contains("list-type=2").then(|| page(request, &all, oddity)));
    server
}

fn part(request: &Request, name: &str) -> Option<String> {
    let value = request.query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
    decoded(value)
}

fn page(request: &Request, keys: &[String], oddity: Oddity) -> Answer {
    let prefix = part(request, "prefix").unwrap_or_default();
    let after = part(request, "start-after").filter(|_| oddity != Oddity::BeginsAtTheStart).unwrap_or_default();
    let begin = match part(request, "continuation-token") {
        Some(token) => token.parse().expect("a token of this server"),
        None => keys.iter().position(|key| *key > after).unwrap_or(keys.len()),
    };
    let mut fits = (begin..keys.len()).filter(|at| keys[*at].starts_with(&prefix));
    let some: Vec<usize> = fits.by_ref().take(PAGE).collect();
    let rest = fits
        .next()
        .map(|next| format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>"));
    let listed: String =
        some.into_iter().map(|at| format!("<Contents><Key>{}</Key></Contents>", encoded(&keys[at]))).collect();
    let body = format!(
        "<ListBucketResult><EncodingType>url</EncodingType>{listed}{}</ListBucketResult>",
        rest.unwrap_or_default()
    );
    Answer { status: 200, body, ..Answer::default() }
}

/// The pages of listings that the server was asked for since the last call.
fn listings(server: &FakeServer) -> Vec<Request> {
    server.asked().into_iter().filter(|request| request.query.contains("list-type=2")).collect()
}

async fn listed(store: &S3Storage, prefix: &str) -> Result<Vec<String>, StorageErrorKind> {
    let all = Mutex::new(Vec::new());
    let mut each = |page: &Page| {
        all.lock().unwrap_or_else(PoisonError::into_inner).extend(page.paths().map(str::to_owned));
        true
    };
    store.list(prefix, &mut each).await.map_err(|error| error.kind)?;
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_unstable();
    Ok(all)
}

/// Keys as they come: numbered, by folders, by names of all scripts, by digests.
fn catalogues() -> Vec<Vec<String>> {
    let numbered = (0..400).map(|n| format!("mel/t-{n:07}.npy"));
    let folders = (0..400).map(|n| format!("mel/artist {}/album {}%/{n} 冬.npy", n % 7, n % 31));
    let scripts = ["Пётр", "冬", "é", "~", "a+b", "%41", "A&B", "<x>", "\u{10FFFF}", "\u{E000}", "\u{7F}"];
    let scripts = (0..400).map(move |n| format!("mel/{}{}/{n}", scripts[n % scripts.len()], n % 5));
    let digests = (0..400_u32).map(|n| format!("mel/{}", &blake3::hash(&n.to_le_bytes()).to_hex()[..20]));
    let lopsided = (0..400).map(|n| if n < 390 { format!("mel/a/{n:05}") } else { format!("mel/z/{n}") });
    let beside = ["me", "mel", "mel0", "mem/x"].map(str::to_owned);
    [numbered.collect(), folders.collect(), scripts.collect(), digests.collect::<Vec<_>>(), lopsided.collect()]
        .into_iter()
        .map(|keys: Vec<String>| keys.into_iter().chain(beside.clone()).collect())
        .collect()
}

#[tokio::test]
async fn every_key_is_listed_once_by_ranges_that_are_asked_for_at_once() {
    for keys in catalogues() {
        let whole: Vec<String> =
            keys.iter().filter(|key| key.starts_with("mel/")).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        for oddity in [Oddity::None, Oddity::BeginsAtTheStart] {
            let server = server(&keys, oddity).await;
            let listed = listed(&server.store(), "mel/").await.expect("listed");
            assert_eq!(listed.len(), whole.len(), "{oddity:?}: {}", whole[0]);
            assert!(listed == whole, "{oddity:?}: other keys than {} and so on", whole[0]);
            let asked = listings(&server);
            let ranges = asked.iter().filter(|request| request.query.contains("start-after=")).count();
            if oddity == Oddity::BeginsAtTheStart {
                assert!(asked.len() <= 40 * 4, "{} requests of a server that heeds no range", asked.len());
            }
            if oddity == Oddity::None {
                assert!(ranges >= 4, "{ranges} ranges of {}", whole[0]);
                assert!(asked.len() < 40 + 40, "{} requests for 40 pages of {}", asked.len(), whole[0]);
            }
        }
    }
}

#[tokio::test]
async fn a_short_listing_takes_no_request_more_than_it_has_pages() {
    let keys: Vec<String> = (0..30).map(|n| format!("mel/{n}")).collect();
    let server = server(&keys, Oddity::None).await;
    assert_eq!(listed(&server.store(), "mel/").await.expect("listed").len(), 30);
    assert_eq!(listings(&server).len(), 3);
}

#[tokio::test]
async fn a_range_of_a_very_long_listing_is_split_after_more_pages_than_one_of_a_short() {
    let keys: Vec<String> = (0..10_000).map(|n| format!("mel/{n:05}")).collect();
    let server = server(&keys, Oddity::None).await;
    assert_eq!(listed(&server.store(), "mel/").await.expect("listed").len(), keys.len());
    let asked = listings(&server).len();
    assert!(asked <= 1000 + 280, "{asked} requests for 1,000 pages"); // more than 1,320 if each were split after two pages
}

#[tokio::test]
async fn a_server_that_knows_no_order_is_listed_in_one_go() {
    let keys: Vec<String> = (0..400).map(|n| format!("mel/{n}")).collect();
    let odd = server(&keys, Oddity::NoOrder).await;
    assert_eq!(listed(&odd.store(), "mel/").await.expect("listed").len(), 400);
    assert_eq!(listings(&odd).len(), 40);
    // Where it comes too late that there is none, nothing is left out in silence.
    let odd = server(&keys, Oddity::NoOrderAtLast).await;
    assert_eq!(listed(&odd.store(), "mel/").await.expect_err("listed"), StorageErrorKind::Unavailable);
}

#[tokio::test]
async fn a_range_that_cannot_be_listed_fails_the_listing() {
    let keys: Vec<String> = (0..400).map(|n| format!("mel/{n:05}")).collect();
    let sorted = Arc::new(keys);
    let server = FakeServer::start().await;
    let all = sorted.clone();
    server.decides(move |request| match part(request, "start-after") {
        Some(after) if *after > *"mel/001" => Some(super::fake_server::refusal(403, "AccessDenied")),
        _ => request.query.contains("list-type=2").then(|| page(request, &all, Oddity::None)),
    });
    listed(&server.store(), "mel/").await.expect_err("listed");
}
