//! Switches of the server in memory: how it lies, how often it declines, what it was asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use s3s::{S3Result, s3_error};

/// Set and read by the test that owns the server.
#[derive(Default)]
pub struct Switches {
    ignore_conditions: AtomicU64,
    stale_millis: AtomicU64,
    declined_per_mille: AtomicU64,
    declines_completing: AtomicU64,
    answers_lost_per_mille: AtomicU64,
    holds_part: AtomicU64,
    holds_listings: AtomicU64,
    listing_millis: AtomicU64,
    ignores_ranges: AtomicU64,
    skips_bytes: AtomicU64,
    clock_millis: AtomicU64,
    asked: Mutex<BTreeMap<&'static str, u64>>,
    served: Mutex<BTreeMap<String, u64>>,
    touched: Mutex<BTreeSet<String>>,
    dice: AtomicU64,
}

impl Switches {
    /// Counts a request, and declines some.
    pub fn met(&self, what: &'static str) -> S3Result<()> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
        if what == "CompleteMultipartUpload" && self.declines_completing.load(Ordering::Relaxed) > 0 {
            return Err(s3_error!(InternalError));
        }
        if self.thrown() < self.declined_per_mille.load(Ordering::Relaxed) {
            return Err(s3_error!(SlowDown));
        }
        Ok(())
    }

    /// Counts bytes of an object that go out.
    pub fn serves(&self, key: &str, bytes: u64) {
        *self.served.lock().unwrap_or_else(PoisonError::into_inner).entry(key.to_owned()).or_default() += bytes;
    }

    /// Notes an object that was looked at, read, written or removed.
    pub fn touches(&self, key: &str) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
    }

    /// Declines some of what was done: whoever asked does not know that it was.
    pub fn answered(&self) -> S3Result<()> {
        match self.answers_lost_per_mille.load(Ordering::Relaxed) {
            0 => Ok(()),
            lost if self.thrown() < lost => Err(s3_error!(SlowDown)),
            _ => Ok(()),
        }
    }

    /// A number below a thousand, evenly spread and the same every time.
    fn thrown(&self) -> u64 {
        (self.dice.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 1000
    }

    /// Whether a part of this number is never answered.
    pub fn holds(&self, part: i32) -> bool {
        u64::try_from(part).is_ok_and(|part| part == self.holds_part.load(Ordering::Relaxed))
    }

    /// Whether listings are never answered.
    pub fn holds_listings(&self) -> bool {
        self.holds_listings.load(Ordering::Relaxed) > 0
    }

    /// How long each page of a listing takes.
    pub fn listing_takes(&self) -> Duration {
        Duration::from_millis(self.listing_millis.load(Ordering::Relaxed))
    }

    /// Whether an answer is the whole object where a part was asked for; so many times.
    pub fn ignores_range(&self) -> bool {
        self.ignores_ranges.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// How many of the first bytes an answer leaves out where a part was asked for.
    pub fn skipped(&self) -> u64 {
        self.skips_bytes.load(Ordering::Relaxed)
    }

    /// Whether writes heed no condition.
    pub fn ignores_conditions(&self) -> bool {
        self.ignore_conditions.load(Ordering::Relaxed) > 0
    }

    /// For how long a new object cannot be seen by HEAD.
    pub fn stale(&self) -> Duration {
        Duration::from_millis(self.stale_millis.load(Ordering::Relaxed))
    }

    /// The time by this server's clock: the real one, unless its test has set it.
    pub fn now(&self) -> SystemTime {
        match self.clock_millis.load(Ordering::Relaxed) {
            0 => SystemTime::now(),
            millis => SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
        }
    }

    /// Does what a line of the test says, and answers in one line.
    pub fn command(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let switch = match words[..] {
            ["asked"] => return serde_json::to_string(&*asked).expect("names and numbers"),
            ["served", prefix] => {
                let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
                let under = served.iter().filter(|(key, _)| key.starts_with(prefix));
                return under.map(|(_, bytes)| bytes).sum::<u64>().to_string();
            }
            ["touched", prefix] => {
                let touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
                let under: Vec<&String> = touched.iter().filter(|key| key.starts_with(prefix)).collect();
                return serde_json::to_string(&under).expect("names");
            }
            ["forget"] => {
                self.served.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.touched.lock().unwrap_or_else(PoisonError::into_inner).clear();
                asked.clear();
                return "ok".to_owned();
            }
            ["ignore-conditions", _] => &self.ignore_conditions,
            ["stale-millis", _] => &self.stale_millis,
            ["declined-per-mille", _] => &self.declined_per_mille,
            ["declines-completing", _] => &self.declines_completing,
            ["answers-lost-per-mille", _] => &self.answers_lost_per_mille,
            ["holds-part", _] => &self.holds_part,
            ["holds-listings", _] => &self.holds_listings,
            ["listing-millis", _] => &self.listing_millis,
            ["ignores-ranges", _] => &self.ignores_ranges,
            ["skips-bytes", _] => &self.skips_bytes,
            ["clock-millis", _] => &self.clock_millis,
            _ => panic!("no such switch: {line}"),
        };
        switch.store(words[1].parse().expect("a number"), Ordering::Relaxed);
        "ok".to_owned()
    }
}
