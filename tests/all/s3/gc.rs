//! `gc` over buckets: uploads that nobody completes are shown with their bytes and removed, and no object is touched.

use std::{process::Stdio, time::Duration};

use super::faults;
use crate::rabbit::soon;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn gc_shows_and_removes_uploads_of_writers_that_died_once_they_are_old_enough() {
    let studio = faults::studio(2);
    studio.call("run g.yaml").ends(0);
    let objects = studio.objects("out").await;
    std::fs::write(studio.path("in/large.txt"), vec![7; 40 * MIB]).expect("written");
    studio.server.tell("holds-part 4");
    let mut running = studio.command("run g.yaml").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    soon("four parts were sent", Duration::from_secs(120), || {
        studio.server.asked().get("UploadPart").is_some_and(|parts| *parts >= 4)
    });
    soon("all but one have arrived", Duration::from_secs(60), || {
        let told = studio.call("--json gc g.yaml -n --older-than 0s").last();
        told["kinds"]["unfinished_uploads"]["bytes"].as_u64() == Some(32 * MIB as u64)
    });
    running.kill().expect("killed");
    running.wait().expect("ended");
    let young = studio.call("--json gc g.yaml").ends(0).last();
    assert_eq!(young["kinds"]["unfinished_uploads"]["count"].as_u64(), Some(0), "{young}");
    assert_eq!(young["kinds"]["scratch_of_dead_processes"]["count"].as_u64(), Some(1), "{young}");
    let told = studio.call("gc g.yaml -n --older-than 0s").ends(0);
    assert!(told.out.contains("would be removed") && told.out.contains("32.0 MiB"), "{told:?}");
    assert_eq!(studio.server.asked().get("AbortMultipartUpload"), None, "removed what was only to be shown");
    for uploads in [1, 0] {
        let gone = studio.call("--json gc g.yaml --older-than 0s").ends(0).last();
        assert_eq!(gone["kinds"]["unfinished_uploads"]["count"].as_u64(), Some(uploads), "{gone}");
    }
    assert!(studio.objects("out").await == objects, "an object was touched");
    studio.server.tell("declined-per-mille 1000");
    let failed = studio.call("gc g.yaml").ends(1);
    assert!(failed.err.contains("store `out`"), "{failed:?}");
}

/// The time in milliseconds that lies so many minutes from now; negative ones have passed.
fn minutes_from_now(minutes: i64) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_millis()).expect("it fits") + minutes * 60_000
}

#[tokio::test]
async fn an_upload_is_as_old_as_the_clock_of_the_server_says_whatever_the_clock_here_says() {
    let studio = faults::studio(1);
    studio.call("run g.yaml").ends(0);
    let found = |older_than: &str| {
        let told = studio.call(&format!("--json gc g.yaml -n --older-than {older_than}")).ends(0).last();
        told["kinds"]["unfinished_uploads"]["count"].as_u64()
    };
    studio.server.tell("holds-part 1");
    // A server refuses requests that are more than a quarter of an hour away from its own clock.
    for (minutes, later) in [(-8, 6), (8, 6)] {
        studio.server.tell(&format!("clock-millis {}", minutes_from_now(minutes)));
        std::fs::write(studio.path("in/large.txt"), vec![7; 40 * MIB]).expect("written");
        let mut running =
            studio.command("run g.yaml").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        soon("an upload began", Duration::from_secs(120), || found("0s") == Some(1));
        running.kill().expect("killed");
        running.wait().expect("ended");
        assert_eq!(found("5m"), Some(0), "an upload that just began counts as old, {minutes} min away");
        studio.server.tell(&format!("clock-millis {}", minutes_from_now(minutes + later)));
        assert_eq!(found("5m"), Some(1), "an upload of six minutes ago does not count as old, {minutes} min away");
        studio.call("gc g.yaml --older-than 5m").ends(0);
        assert_eq!(found("0s"), Some(0));
    }
}
