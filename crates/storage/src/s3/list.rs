//! Lists the objects under a prefix, a thousand with each request; where there are many, several ranges of keys at once.

use std::collections::HashSet;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use euterpe_actors::storage::{Dates, ListedProblem, Page, is_key};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use xxhash_rust::xxh3::xxh3_64;

use super::bucket::Bucket;
use super::error::{Refusal, S3Error, classify};
use super::key_ranges::{difference, middle};
use super::keys::decoded_bytes;

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// How many pages a listing has, at least, before it is split: most have fewer, and each range takes a request more.
const LONG: usize = if cfg!(test) { 4 } else { 16 };
/// How many pages a range of it has before it is split again, at least. At most it is as many as a listing has before it is split.
const LONG_RANGE: usize = if cfg!(test) { 2 } else { 4 };
/// Which part of all pages so far a range has before it is split again, between these two: the more ranges, the more pages that end in
/// the next one and are listed twice.
const PART: usize = 64;

/// The keys behind one and up to another, while they are listed in their order.
#[derive(Debug, Default)]
struct Range {
    after: Option<String>,
    until: Option<String>,
    /// The first and the last key that were seen.
    first: String,
    last: Vec<u8>,
    /// The number of the range that it was split off, until it has keys.
    split_off: Option<usize>,
    /// Before which place in its keys it is not split: what was split off there has no keys, as far as is known.
    place: usize,
    /// Where the server goes on.
    token: Option<String>,
    /// The tokens so far, each as a fingerprint: of fifty million objects, 400 kB.
    tokens: HashSet<u64>,
    /// How many pages it had since it was split.
    pages: usize,
    /// Whether its keys come in their order. Only then others may list the rest of it.
    in_order: bool,
    /// Whether the server begins behind `after`. If not, each further range would be the whole listing once more.
    begins_there: bool,
}

impl Range {
    fn new(after: Option<String>, until: Option<String>) -> Self {
        Self { after, until, in_order: true, begins_there: true, ..Self::default() }
    }

    /// Whether a key is one of this range, whose keys it comes to in the order of the server.
    fn takes(&mut self, key: &[u8]) -> bool {
        self.in_order &= *key >= *self.last;
        if self.first.is_empty()
            && let Ok(first) = std::str::from_utf8(key)
        {
            first.clone_into(&mut self.first);
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        // Not every server heeds where it is to begin.
        let is_behind = self.after.as_ref().is_none_or(|after| key > after.as_bytes());
        self.begins_there &= is_behind;
        is_behind && !self.is_beyond(key)
    }

    fn is_beyond(&self, key: &[u8]) -> bool {
        self.until.as_ref().is_some_and(|until| key > until.as_bytes())
    }

    /// Splits off about half of what is left of it. What has differed in its keys so far is the end of what counts on: the place
    /// before it changes more seldom.
    fn split(&mut self, own: usize, prefix: &str) -> Option<Range> {
        let last = std::str::from_utf8(&self.last).ok()?;
        let place = difference(&self.first, last).saturating_sub(1).max(prefix.chars().count()).max(self.place);
        let (half, at) = middle(last, self.until.as_deref(), place)?;
        (self.pages, self.place) = (0, at + 1);
        let until = self.until.replace(half.clone());
        Some(Range { split_off: Some(own), ..Range::new(Some(half), until) })
    }

    /// Notes where the server goes on; whether the range has more.
    fn goes_on(&mut self, answer: ListObjectsV2Output) -> Result<bool, S3Error> {
        self.token = match (answer.is_truncated(), answer.next_continuation_token) {
            _ if self.in_order && self.is_beyond(&self.last) => return Ok(false),
            // It would never end, and count each object again and again.
            (Some(true), Some(next)) if !self.tokens.insert(xxh3_64(next.as_bytes())) => {
                return Err(S3Error::unavailable("the server repeats one part of the listing without end"));
            }
            (Some(true), Some(next)) => Some(next),
            (Some(true), None) => {
                return Err(S3Error::unavailable("the server does not say how the listing goes on"));
            }
            _ => return Ok(false),
        };
        Ok(true)
    }
}

impl Bucket {
    /// Sends page after page until all was listed or the receiver is gone. A listing of many pages is split into ranges that are
    /// listed at once; its pages come in no order.
    pub async fn list(&self, prefix: &str, pages: mpsc::Sender<Page>) -> Result<(), S3Error> {
        let Some(prefix) = self.keys.prefix(prefix) else { return Ok(()) };
        let mut asked = FuturesUnordered::new();
        // Those that no answer is awaited for; the others are with their requests.
        let mut idle: Vec<usize> = vec![0];
        let mut ranges = vec![Range::new(None, None)];
        let mut answers = 0;
        loop {
            for at in idle.drain(..) {
                let (after, token) = (ranges[at].after.clone(), ranges[at].token.clone());
                let request = self.list_page(&prefix, after, token);
                asked.push(async move { (at, request.await) });
            }
            let Some((at, answer)) = asked.next().await else { return Ok(()) };
            let answer = answer?;
            answers += 1;
            let page = self.page_of(&answer, &mut ranges[at]);
            if !page.is_empty()
                && let Some(other) = ranges[at].split_off.take()
            {
                ranges[other].place = 0;
            }
            if !page.is_empty() && pages.send(page).await.is_err() {
                return Ok(()); // the reader has seen enough
            }
            if ranges.len() > 1 && !ranges[at].in_order {
                return Err(S3Error::unavailable(
                    "the server does not list its keys in their order, as it did at the beginning of the listing",
                ));
            }
            ranges[at].pages += 1;
            match ranges[at].goes_on(answer)? {
                true => idle.push(at),
                false => ranges[at].pages = 0,
            }
            if asked.len() + idle.len() < AT_ONCE
                && let Some(half) = split_longest(&mut ranges, &prefix, answers)
            {
                idle.push(ranges.len());
                ranges.push(half);
            }
        }
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<String>,
        token: Option<String>,
    ) -> Result<ListObjectsV2Output, S3Error> {
        // Keys may hold characters that XML cannot.
        let ask = self.client.list_objects_v2().bucket(self.name()).prefix(prefix).encoding_type(EncodingType::Url);
        let ask = ask.set_start_after(after).set_continuation_token(token);
        ask.send().await.map_err(|error| not_listed(classify(&error)))
    }

    /// The objects of an answer that are of a range.
    fn page_of(&self, answer: &ListObjectsV2Output, range: &mut Range) -> Page {
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let mut page = Page::with_room_for(answer.contents().len());
        for object in answer.contents() {
            let Some(key) = object.key() else { continue };
            let decoded = encoded.then(|| decoded_bytes(key));
            let bytes = match &decoded {
                Some(Some(bytes)) => bytes,
                _ => key.as_bytes(),
            };
            if !range.takes(bytes) {
                continue;
            }
            let dates = dates(object.last_modified());
            match decoded.map(|bytes| bytes.map(String::from_utf8)) {
                Some(Some(Ok(key))) => self.push(&mut page, &key, dates),
                Some(Some(Err(key))) => {
                    if let Some(path) = self.keys.path_as_text(key.as_bytes()) {
                        page.push_parts("", &path, Some(ListedProblem::NotUtf8));
                    }
                }
                Some(None) => page.push_parts("", key, Some(ListedProblem::NotUtf8)), // no encoding of anything
                None => self.push(&mut page, key, dates),
            }
        }
        page
    }

    fn push(&self, page: &mut Page, key: &str, dates: Dates) {
        if let Some(path) = self.keys.path(key) {
            let problem = (!is_key(path)).then_some(ListedProblem::NoKey);
            page.push_dated("", path, problem, dates);
        }
    }

    /// The paths of all objects of the store that start with `prefix`.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, S3Error> {
        let (send, mut pages) = mpsc::channel::<Page>(2);
        let gathering = async {
            let mut names = Vec::new();
            while let Some(page) = pages.recv().await {
                names.extend(page.paths().map(str::to_owned));
            }
            names
        };
        let (listed, names) = futures::join!(self.list(prefix, send), gathering);
        listed.map(|()| names)
    }
}

/// Splits the range that has had most pages, if these are enough after so many pages of all.
fn split_longest(ranges: &mut [Range], prefix: &str, answers: usize) -> Option<Range> {
    let enough = if ranges.len() == 1 { LONG } else { (answers / PART).clamp(LONG_RANGE, LONG) };
    if ranges.iter().any(|range| !range.begins_there) {
        return None;
    }
    let (own, longest) = ranges.iter_mut().enumerate().max_by_key(|(_, range)| range.pages)?;
    if longest.pages < enough || !longest.in_order { None } else { longest.split(own, prefix) }
}

/// The time of an object: a server knows one only, that at which it came.
fn dates(modified: Option<&DateTime>) -> Dates {
    let nanos = modified.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or(0);
    Dates { written: nanos, arrived: nanos }
}

/// A listing of nothing is an empty one; 404 is no such answer.
fn not_listed(refusal: Refusal) -> S3Error {
    match refusal {
        Refusal::Missing => Refusal::Bare404.into_error(),
        refusal => refusal.into_error(),
    }
}
