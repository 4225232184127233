//! Objects, and a file in which each change of them is written before it is answered: a server that is started again at the
//! same folder has what it had. (Uploads in parts that were not completed are gone.)

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use s3s::dto::Metadata;
use serde_json::{Value, json};

/// An object.
#[derive(Clone)]
pub struct Kept {
    pub bytes: Bytes,
    pub metadata: Option<Metadata>,
    pub etag: String,
    pub modified: SystemTime,
}

/// A change: a bucket is made, an object is placed, or removed.
pub struct Change {
    pub bucket: String,
    pub key: Option<String>,
    pub placed: Option<Kept>,
}

/// The file of changes.
pub struct Journal(File);

impl Journal {
    /// The changes of a folder, and what takes further ones. A change that is not whole was never answered.
    pub fn open(folder: &Path) -> (Vec<Change>, Self) {
        let path = folder.join("journal");
        let file = File::options().read(true).append(true).create(true).open(path).expect("a journal");
        let (mut reader, mut changes, mut whole) = (BufReader::new(&file), Vec::new(), 0);
        while let Some(change) = read(&mut reader) {
            changes.push(change);
            whole = reader.stream_position().expect("a position");
        }
        file.set_len(whole).expect("what is not whole is cut off");
        (changes, Self(file))
    }

    /// Writes a change.
    pub fn write(&mut self, bucket: &str, key: Option<&str>, placed: Option<&Kept>) {
        let since =
            |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros() as u64;
        let kept = placed.map(|kept| {
            json!({"size": kept.bytes.len(), "metadata": kept.metadata, "etag": kept.etag, "modified": since(kept.modified)})
        });
        let mut line = json!({"bucket": bucket, "key": key, "kept": kept}).to_string().into_bytes();
        line.push(b'\n');
        line.extend_from_slice(placed.map_or(&[], |kept| &kept.bytes[..]));
        self.0.write_all(&line).expect("the journal takes changes");
    }
}

/// The next change, if it is whole.
fn read(reader: &mut impl BufRead) -> Option<Change> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    let said: Value = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kept = &said["kept"];
    let placed = match kept.is_null() {
        true => None,
        false => {
            let mut bytes = vec![0; kept["size"].as_u64()? as usize];
            reader.read_exact(&mut bytes).ok()?;
            let metadata = serde_json::from_value(kept["metadata"].clone()).ok()?;
            let modified = SystemTime::UNIX_EPOCH + Duration::from_micros(kept["modified"].as_u64()?);
            Some(Kept { bytes: bytes.into(), metadata, etag: text(&kept["etag"])?, modified })
        }
    };
    Some(Change { bucket: text(&said["bucket"])?, key: text(&said["key"]), placed })
}

#[test]
fn a_server_that_is_started_again_has_what_it_answered_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = |text: &'static str| {
        let metadata = Some(Metadata::from([("a".to_owned(), "b".to_owned())]));
        Kept { bytes: Bytes::from(text), metadata, etag: "e".into(), modified: SystemTime::now() }
    };
    let (changes, mut journal) = Journal::open(folder.path());
    assert!(changes.is_empty());
    journal.write("b", None, None);
    journal.write("b", Some("x"), Some(&kept("one\n{two}")));
    journal.write("b", Some("x"), None);
    journal.write("b", Some("y"), Some(&kept("cut off")));
    let file = File::options().write(true).open(folder.path().join("journal")).expect("the journal");
    file.set_len(file.metadata().expect("a size").len() - 3).expect("cut");
    let (changes, mut journal) = Journal::open(folder.path());
    let of = |change: &Change| (change.key.clone(), change.placed.as_ref().map(|kept| kept.bytes.clone()));
    let (x, two) = (Some("x".to_owned()), Some(Bytes::from("one\n{two}")));
    assert_eq!(changes.iter().map(of).collect::<Vec<_>>(), [(None, None), (x.clone(), two), (x, None)]);
    assert_eq!(changes[1].placed.as_ref().and_then(|kept| kept.metadata.clone()), kept("").metadata);
    journal.write("b", Some("z"), Some(&kept("whole")));
    assert_eq!(Journal::open(folder.path()).0.len(), 4);
}
