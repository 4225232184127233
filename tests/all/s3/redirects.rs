//! A server that sends its askers elsewhere is not followed: no request arrives there, and the error says what to do.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use euterpe_actors::storage::{Content, Storage, StorageError};
use euterpe_storage::s3::Tuning;

use super::server::{USER, store};

/// Listens on a port of its own, counts connections, and answers each with a line of status and headers.
fn listener(answer: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (port, count) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut asked = [0; 16 << 10];
            // A client that goes away is as good.
            if stream.read(&mut asked).is_ok() {
                stream
                    .write_all(
                        format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
                    )
                    .ok();
            }
        }
    });
    (port, count)
}

async fn every_call(port: u16) -> Vec<StorageError> {
    let tuning = Tuning { tries: 2, patience: Duration::from_secs(5), ..Tuning::default() };
    let store = store(&format!("http://127.0.0.1:{port}"), "", tuning);
    vec![
        store.look("a").await.expect_err("followed"),
        store.open("a").await.expect_err("followed"),
        store.store("a", Content::Bytes("x".into()), None).await.expect_err("followed"),
        store.list("", &mut |_| true).await.expect_err("followed"),
    ]
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_error_names_where_it_leads() {
    let (elsewhere, arrived) = listener("200 OK".into());
    for status in ["301 Moved Permanently", "307 Temporary Redirect", "302 Found", "308 Permanent Redirect"] {
        for to in [format!("127.0.0.1:{elsewhere}"), "169.254.169.254".to_owned()] {
            let (port, asked) =
                listener(format!("{status}\r\nLocation: http://{USER}:canary@{to}/latest/meta-data/?secret=canary"));
            for error in every_call(port).await {
                let text = error.to_string();
                assert!(
                    error.is_trouble() && text.contains(&format!("(`{to}`), which is not followed")),
                    "{status}: {text}"
                );
                assert!(text.contains("`region`") && !text.contains("canary"), "{text}");
            }
            assert!(asked.load(Ordering::Relaxed) >= 4, "the first server was not asked");
        }
    }
    assert_eq!(arrived.load(Ordering::Relaxed), 0, "somebody was followed");
    std::net::TcpStream::connect(("127.0.0.1", elsewhere)).expect("it listens");
    crate::rabbit::soon("the listener counts", Duration::from_secs(5), || arrived.load(Ordering::Relaxed) == 1);
}
