//! The program ffmpeg: hostile files reach nothing through it, one that hangs is ended, and without one files have their names.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use euterpe_actors::{
    outcome::{Fault, FaultKind},
    storage::Content,
    transform::{OpenContext, Registry},
};
use euterpe_testkit::work::{run, work};
use serde_json::{Value, json};

use super::{
    material::{encoded, ffmpeg, folder, made, ours, ours_of, refused, refused_natively, tool, wav},
    ogg::pages,
};

/// The variable that names the file with which a test goes on in a process of its own.
const INSIDE: &str = "EUTERPE_TEST_INSIDE";

/// What a test of this name is to check in a process of its own, if this is that process.
fn inside() -> Option<PathBuf> {
    env::var_os(INSIDE).map(PathBuf::from)
}

/// Runs the test of a name anew in a process with this PATH, and has it go on with a file.
fn with_path(test: &str, path: &Path, file: &Path) {
    let test = format!("ffmpeg::{test}");
    let mut command = Command::new(env::current_exe().expect("a program"));
    let output = command.args([&test, "--exact", "--nocapture"]).env(INSIDE, file).env("PATH", path).output();
    let output = output.expect("started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder with a program `ffmpeg` that is this script.
fn fake(folder: &Path, script: &str) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).expect("made");
    let path = bin.join("ffmpeg");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("made a program");
    bin
}

fn fault(with: Value, bytes: &[u8]) -> Fault {
    made("audio.silence", with, bytes, "json").expect_err("it was read")
}

/// What becomes of a file in place.
fn of_file(with: Value, path: &Path, time: Duration) -> Result<(), Fault> {
    let mut registry = Registry::default();
    euterpe_audio::register(&mut registry);
    let entry = registry.find("audio.silence").expect("a transform");
    let factory = entry.open(&with, &OpenContext::default()).expect("good options");
    let mut work = work("t", &[("audio", "t", b"")], "json");
    work.inputs[0].object.content = Content::File(path.to_owned());
    work.timeout = time;
    run(&factory, work).map(drop)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn without_ffmpeg_files_have_their_names_and_a_job_that_wants_it_says_so() {
    if let Some(file) = inside() {
        let bytes = fs::read(file).expect("read");
        assert_eq!(
            fault(Value::Null, &bytes).text,
            "WavPack is not supported; convert the file with `ffmpeg -i FILE FILE.flac` first, or install ffmpeg here"
        );
        let said = fault(json!({"decoder": "ffmpeg"}), &bytes);
        assert_eq!(said.kind, FaultKind::Fatal);
        assert!(said.text.contains("needs the program ffmpeg, which is not on the PATH"), "{said}");
        return;
    }
    let folder = folder();
    let file = encoded(folder.path(), &wav(44_100, 1, 2000), "t.wv", &[]);
    with_path("without_ffmpeg_files_have_their_names_and_a_job_that_wants_it_says_so", folder.path(), &file);
}

#[test]
fn an_ffmpeg_that_hangs_or_sends_something_else_is_ended_and_told() {
    if let Some(file) = inside() {
        let script = env::var("PATH").expect("a path");
        let fault =
            of_file(Value::Null, &file, if script.contains("hangs") { Duration::from_millis(50) } else { LONG });
        let fault = fault.expect_err("it was read");
        let (kind, text) = match script {
            path if path.contains("hangs") => (FaultKind::Timeout, "ffmpeg had not read the file when the time of"),
            path if path.contains("prints") => (FaultKind::Failed, "ffmpeg sends something else than samples"),
            path if path.contains("killed") => (FaultKind::Failed, "ffmpeg was ended by signal 9"),
            path if path.contains("silent") => (FaultKind::Failed, "ffmpeg ended without a word and without sound"),
            _ => (FaultKind::BadInput, "the file is damaged: ffmpeg says \"no such thing\"; replace"),
        };
        assert!(fault.kind == kind && fault.text.starts_with(text), "{fault}");
        assert!(
            kind != FaultKind::BadInput || fault.stderr.len() <= 4096 && fault.stderr.contains("more"),
            "{fault:?}"
        );
        return;
    }
    let folder = folder();
    let file = encoded(folder.path(), &wav(44_100, 1, 2000), "t.wv", &[]);
    for (name, script) in [
        ("hangs", "read line; while :; do :; done"),
        ("prints", "echo usage of some other program"),
        ("killed", "kill -9 $$"),
        ("silent", "exit 0"),
        (
            "says",
            "echo '[wv @ 0x1] no such thing' >&2; while echo more >&2; do i=x$i; [ ${#i} -lt 5000 ] || exit 1; done",
        ),
    ] {
        let bin = fake(&folder.path().join(name), script);
        with_path("an_ffmpeg_that_hangs_or_sends_something_else_is_ended_and_told", &bin, &file);
    }
}

#[test]
fn files_that_name_others_and_hostile_names_reach_nothing() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    let port = listener.local_addr().expect("a place").port();
    let sound = encoded(folder.path(), &wav(44_100, 1, 2000), "t.wv", &[]);
    // Ffmpeg reads this one through a list, unless it may not.
    let clip = encoded(folder.path(), &wav(44_100, 1, 44_100), "clip.ts", &["-c:a", "mp2"]);
    let (place, name) = (sound.to_string_lossy(), sound.file_name().expect("a name").to_string_lossy());
    let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{}\n#EXT-X-ENDLIST\n", clip.display());
    let web = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{port}/t.ts\n#EXT-X-ENDLIST\n");
    let session = format!("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n");
    for text in [
        list,
        web,
        format!("ffconcat version 1.0\nfile '{place}'\n"),
        format!("ffconcat version 1.0\nfile {name}\n"),
        format!("[playlist]\nFile1=http://127.0.0.1:{port}/\n"),
        format!("http://127.0.0.1:{port}/t.wv\n"),
        session,
    ] {
        // Behind a byte that is no text, and as it is: ffmpeg looks at all of it.
        for bytes in [text.clone().into_bytes(), [text.as_bytes(), &[0x80, 0xff, 0]].concat()] {
            let said = fault(json!({"decoder": "ffmpeg"}), &bytes);
            assert!(said.kind == FaultKind::BadInput && said.text.starts_with("this is not audio"), "{text}: {said}");
        }
    }
    assert!(listener.accept().is_err(), "somebody called");
    for name in ["-i", "concat:t.wv|t.wv", "%d.wav", "http:__x", "pipe:0", "a\nb", "sub,file 'x'", "t.m3u8"] {
        let hostile = folder.path().join(name);
        fs::copy(&sound, &hostile).expect("copied");
        of_file(Value::Null, &hostile, LONG).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
}

#[test]
fn what_ffmpeg_reads_is_as_damaged_too_long_or_changing_as_what_we_read() {
    let folder = folder();
    let sound = wav(48_000, 2, 96_000);
    for (file, options, wanted) in [
        ("t.wv", &[][..], "the file is damaged"),
        ("t.tta", &[], "the file is damaged"),
        ("t.ac3", &[], "the file is damaged at 0:01: ffmpeg says \"incomplete frame\""),
        ("t.wma", &[], "the file is cut off at 0:01: ffmpeg says"),
        ("t.spx", &["-ar", "16000", "-c:a", "libspeex"], "the track breaks off after 0:0"),
        ("t.avi", &["-c:a", "libmp3lame"], "the track breaks off after 0:01"),
        ("ac3.mka", &["-c:a", "ac3"], "the file is cut off at 0:01"),
    ] {
        let path = encoded(folder.path(), &sound, file, options);
        let mut bytes = fs::read(&path).expect("read");
        let (frames, all) = (ours_of(&path).frames(), if file == "t.spx" { 32_000usize } else { 96_000 });
        assert!(all.abs_diff(frames) < 4096, "{file}: {frames}");
        bytes.truncate(bytes.len() * 7 / 10);
        let said = refused(bytes);
        assert!(said.starts_with(wanted), "{file}: {said}");
    }
    // Cut between two blocks, which ffmpeg takes for the end.
    let bytes = fs::read(encoded(folder.path(), &wav(48_000, 1, 200_000), "t.wv", &[])).expect("read");
    let last = bytes.windows(4).rposition(|own| own == b"wvpk").expect("several blocks");
    assert!(last > 0 && refused(bytes[..last].to_vec()).contains(": the file is cut off or damaged"));
    let mono = fs::read(encoded(folder.path(), &wav(48_000, 1, 48_000), "mono.ac3", &[])).expect("read");
    let stereo = fs::read(encoded(folder.path(), &sound, "t.ac3", &[])).expect("read");
    let said = refused([mono, stereo.clone()].concat());
    assert!(said.starts_with("the track changes its sample rate or channels at 0:01; convert"), "{said}");
    let long =
        ffmpeg(&["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "62", "-c:a", "wavpack", "-f", "wv", "-"]);
    let said = fault(json!({"max_minutes": 1}), &long);
    assert_eq!(said.text, "the track is longer than 1:00; give the job a larger `max_minutes` if that is right");
    made("audio.silence", json!({"decoder": "ffmpeg"}), &wav(8000, 1, 4000), "json").expect("whatever we read, too");
}

/// Ffmpeg calls none of these an error.
#[test]
fn what_ffmpeg_passes_over_without_a_word_is_refused_where_we_know_better() {
    let folder = folder();
    let sound = wav(48_000, 2, 480_000);
    let by_ffmpeg = |bytes: &[u8]| made("audio.silence", json!({"decoder": "ffmpeg"}), bytes, "json");
    for (file, options) in [
        ("t.ogg", &["-c:a", "libvorbis"][..]),
        ("t.opus", &[]),
        ("flac.ogg", &["-c:a", "flac"]),
        ("t.mka", &["-c:a", "libmp3lame"]),
        ("vorbis.mka", &["-c:a", "libvorbis"]),
        ("t.mp3", &[]),
        ("t.m4a", &[]),
        ("t.flac", &[]),
        ("t.aac", &[]),
        ("t.aiff", &[]),
        ("t.caf", &[]),
        ("deep.flac", &["-sample_fmt", "s32"]),
    ] {
        let bytes = fs::read(encoded(folder.path(), &sound, file, options)).expect("read");
        by_ffmpeg(&bytes).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        if file == "t.aac" {
            continue; // its frames have no number, and no length stands anywhere
        }
        let fault = by_ffmpeg(&bytes[..bytes.len() * 6 / 10]).map(|_| file).expect_err("it was read");
        assert_eq!(fault.kind, FaultKind::BadInput, "{file}: {fault}");
        let is_known = ["the file is cut off", "the file is damaged"].iter().any(|known| fault.text.contains(known));
        assert!(is_known, "{file}: {fault}");
        if file.ends_with("ogg") || file.ends_with("opus") {
            let pages = pages(&bytes);
            let middle = pages.len() / 2;
            let between = by_ffmpeg(&pages[..middle].concat()).map(|_| file).expect_err("it was read");
            assert!(between.text.contains("the file is cut off"), "{file}: {between}");
            let lost = by_ffmpeg(&[&pages[..middle], &pages[middle + 1..]].concat().concat());
            assert!(lost.map(|_| file).expect_err("it was read").text.starts_with("the file is damaged at 0:0"));
            let mut flipped = bytes;
            let place = pages[..middle].concat().len() + pages[middle].len() / 2;
            flipped[place] ^= 16;
            let flipped = by_ffmpeg(&flipped).map(|_| file).expect_err("it was read");
            assert!(flipped.text.starts_with("the file is damaged at 0:0"), "{file}: {flipped}");
        }
    }
}

#[test]
fn what_ffmpeg_decodes_less_or_more_of_is_told_with_what_reads_it_right() {
    if let Some(file) = inside() {
        let with = |decoder: &str| of_file(json!({"decoder": decoder}), &file, LONG);
        with("auto").expect("ours needs no ffmpeg");
        let said = with("ffmpeg").expect_err("it was read");
        assert!(
            said.kind == FaultKind::BadInput && said.text.contains("where the file holds 2.000 s of sound"),
            "{said}"
        );
        assert!(said.text.contains("give the job `decoder: auto`, which reads "), "{said}");
        return;
    }
    let folder = folder();
    let lossless = folder.path().join("t.wav");
    fs::write(&lossless, wav(8000, 1, 16_000)).expect("written");
    let lossy = encoded(folder.path(), &wav(8000, 1, 16_000), "t.ogg", &["-c:a", "libvorbis"]);
    // What is exact may not differ by a frame, what has delays not by more than these.
    for (file, frames) in [(&lossless, 15_999), (&lossless, 16_001), (&lossless, 0), (&lossy, 15_000), (&lossy, 17_000)]
    {
        let name = format!("sends-{frames}");
        let sound = encoded(folder.path(), &wav(8000, 1, frames), &format!("{name}.wav"), &["-c:a", "pcm_f32le"]);
        let bin = fake(&folder.path().join(&name), &format!("exec /bin/cat {}", sound.display()));
        with_path("what_ffmpeg_decodes_less_or_more_of_is_told_with_what_reads_it_right", &bin, file);
    }
}

/// Ffmpeg 5.1 decodes nothing of it, and says so to nobody.
#[test]
fn flac_of_more_than_24_bits_is_named_whoever_is_to_read_it() {
    let folder = folder();
    let (from, to) = (folder.path().join("t.wav"), folder.path().join("t.flac"));
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=3", "-c:a", "pcm_s32le", &from.to_string_lossy()]);
    for options in [&["--no-mid-side"][..], &["-8"]] {
        let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
        tool("flac", &[options, &["--silent", "--force", "-o", &to, &from]].concat());
        let bytes = fs::read(&*to).expect("read");
        for decoder in ["auto", "native", "ffmpeg"] {
            let said = fault(json!({"decoder": decoder}), &bytes);
            assert!(said.text.starts_with("FLAC of more than 24 bits is not supported"), "{decoder}: {said}");
        }
    }
}

/// Tags that players put in front of anything.
#[test]
fn what_ffmpeg_reads_is_known_behind_a_tag_as_well() {
    let folder = folder();
    let tag = [&b"ID3\x03\0\0\0\0\x02\0"[..], &[0; 256]].concat();
    for (file, options) in [("t.tta", &[][..]), ("t.wv", &[]), ("t.ac3", &[])] {
        let bytes = fs::read(encoded(folder.path(), &wav(48_000, 2, 48_000), file, options)).expect("read");
        let tagged = [&tag[..], &bytes].concat();
        let (plain, behind) = (ours(bytes).expect("read"), ours(tagged.clone()).expect("read"));
        assert!(plain == behind, "{file}");
        assert!(refused_natively(&tagged).contains("is not supported; convert the file"), "{file}");
    }
}
