//! Where a graph's stores lie: folders, or a bucket. What happens to files and objects there, and the program over them.

use std::fs::{self, File, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use euterpe_actors::storage::{Content, Stamp, Storage};
use euterpe_storage::local::{LocalSettings, LocalStorage};

use super::setup::Setup;
use crate::cli::{Bench, Called};
use crate::s3::{BUCKET, Server, Studio};

/// What lies in the stores is named by the name of its store and its key: `in/t1.txt`.
pub trait Place {
    /// Whether it is a bucket: there each version has a name of its own, and its time is that of the upload.
    fn is_bucket(&self) -> bool;

    /// Calls the program.
    fn call(&self, words: &str) -> Called;

    /// What lies beside the graph file.
    fn path(&self, below: &str) -> PathBuf;

    /// Puts a text there, over what is there, with the time of now.
    fn put(&self, at: &str, text: &str);

    /// As `cp -p` does: over what is there, with the time of the original, which is long ago. A bucket knows no such time.
    fn put_with_its_time(&self, at: &str, text: &str);

    /// As `mv` does with an older file. A bucket knows no such time.
    fn move_in(&self, at: &str, text: &str);

    /// As `rsync -t` does where the time is that of the file that is there. A bucket knows no such time.
    fn put_with_the_same_time(&self, at: &str, text: &str);

    /// Gives it the time of now, with all that it is.
    fn touch(&self, at: &str);

    /// Removes it.
    fn remove(&self, at: &str);

    /// Its text and its stamp.
    fn look(&self, at: &str) -> (String, Option<Stamp>);

    /// Puts a text with a stamp there.
    fn stamped(&self, at: &str, text: &str, stamp: Stamp);

    /// Moves it.
    fn rename(&self, from: &str, to: &str);
}

fn split(at: &str) -> (&str, &str) {
    at.split_once('/').expect("the name of a store")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn read(store: &dyn Storage, key: &str) -> (String, Option<Stamp>) {
    let object = block_on(store.open(key)).expect("opened");
    let text = String::from_utf8(object.content.read().expect("read").to_vec()).expect("text");
    (text, object.info.stamp)
}

fn write(store: &dyn Storage, key: &str, text: &str, stamp: Option<Stamp>) {
    block_on(store.store(key, Content::Bytes(text.to_owned().into()), stamp)).expect("stored");
}

/// Folders.
pub struct Folders(Bench);

impl Folders {
    pub fn with(setup: &Setup) -> Box<dyn Place> {
        let bench = Bench::new(&setup.graph_over(|store| format!("./{store}")));
        let place = Self(bench);
        setup.sources.iter().for_each(|(at, text)| place.put(at, text));
        setup.write_code(&place);
        setup.make(&place);
        Box::new(place)
    }

    fn set_modified(&self, at: &str, time: SystemTime) {
        let file = File::options().append(true).open(self.path(at)).expect("opened");
        file.set_times(FileTimes::new().set_modified(time)).expect("set");
    }

    fn store(&self, name: &str) -> LocalStorage {
        let settings = LocalSettings { fsync: false, ..LocalSettings::default() };
        LocalStorage::open(self.path(name), settings).expect("opened")
    }
}

fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

impl Place for Folders {
    fn is_bucket(&self) -> bool {
        false
    }

    fn call(&self, words: &str) -> Called {
        self.0.call(words)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path(below)
    }

    fn put(&self, at: &str, text: &str) {
        self.0.write(at, text);
    }

    fn put_with_its_time(&self, at: &str, text: &str) {
        self.put(at, text);
        self.set_modified(at, long_ago());
    }

    fn move_in(&self, at: &str, text: &str) {
        self.put("elsewhere", text);
        self.set_modified("elsewhere", long_ago());
        fs::rename(self.path("elsewhere"), self.path(at)).expect("moved");
    }

    fn put_with_the_same_time(&self, at: &str, text: &str) {
        let time = fs::metadata(self.path(at)).and_then(|file| file.modified()).expect("a time");
        self.put(at, text);
        self.set_modified(at, time);
    }

    fn touch(&self, at: &str) {
        self.set_modified(at, SystemTime::now());
    }

    fn remove(&self, at: &str) {
        fs::remove_file(self.path(at)).expect("removed");
    }

    fn look(&self, at: &str) -> (String, Option<Stamp>) {
        let (store, key) = split(at);
        read(&self.store(store), key)
    }

    fn stamped(&self, at: &str, text: &str, stamp: Stamp) {
        let (store, key) = split(at);
        write(&self.store(store), key, text, Some(stamp));
    }

    fn rename(&self, from: &str, to: &str) {
        let to = self.path(to);
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::rename(self.path(from), to).expect("moved");
    }
}

/// A bucket. The graph file and the records lie in a folder.
pub struct Bucket(Studio);

impl Bucket {
    pub fn with(setup: &Setup) -> Box<dyn Place> {
        let graph = setup.graph_over(|store| format!("s3://{BUCKET}/{store}"));
        let place = Self(Studio::new(Server::memory(), &graph));
        // A bucket tells whole seconds: of what comes in one second nobody knows what came first.
        place.clock_stands_at(|now| now - Duration::from_secs(60));
        setup.sources.iter().for_each(|(at, text)| place.put(at, text));
        setup.write_code(&place);
        place.clock_stands_at(|now| now - Duration::from_secs(30));
        setup.make(&place);
        place.clock_goes();
        Box::new(place)
    }

    fn clock_stands_at(&self, of_now: fn(Duration) -> Duration) {
        let then = of_now(SystemTime::UNIX_EPOCH.elapsed().expect("a clock"));
        self.0.server.tell(&format!("clock-millis {}", then.as_millis()));
    }

    fn clock_goes(&self) {
        self.0.server.tell("clock-millis 0");
    }
}

impl Place for Bucket {
    fn is_bucket(&self) -> bool {
        true
    }

    fn call(&self, words: &str) -> Called {
        self.0.call(words)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path(below)
    }

    fn put(&self, at: &str, text: &str) {
        let (store, key) = split(at);
        write(&self.0.server.store(store), key, text, None);
    }

    fn put_with_its_time(&self, at: &str, text: &str) {
        self.put(at, text);
    }

    fn move_in(&self, at: &str, text: &str) {
        self.put(at, text);
    }

    fn put_with_the_same_time(&self, at: &str, text: &str) {
        self.put(at, text);
    }

    fn touch(&self, at: &str) {
        let (text, stamp) = self.look(at);
        self.remove(at);
        // In another second than what came before.
        self.clock_stands_at(|now| now + Duration::from_secs(2));
        match stamp {
            Some(stamp) => self.stamped(at, &text, stamp),
            None => self.put(at, &text),
        }
        self.clock_goes();
    }

    fn remove(&self, at: &str) {
        let (store, key) = split(at);
        block_on(self.0.server.store(store).remove(key)).expect("removed");
    }

    fn look(&self, at: &str) -> (String, Option<Stamp>) {
        let (store, key) = split(at);
        read(&self.0.server.store(store), key)
    }

    fn stamped(&self, at: &str, text: &str, stamp: Stamp) {
        let (store, key) = split(at);
        write(&self.0.server.store(store), key, text, Some(stamp));
    }

    fn rename(&self, from: &str, to: &str) {
        let (text, _) = self.look(from);
        self.put(to, &text);
        self.remove(from);
    }
}
