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
