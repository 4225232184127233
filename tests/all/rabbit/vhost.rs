//! A virtual host of a test's own at a broker that all tests of a run share: what happens in it, nobody else sees.
//!
//! Who restarts a broker, changes its settings, fills its memory or cuts it off starts a [`Rabbit`] instead.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::management::Management;
use super::server::{Rabbit, free_port};

/// What the user of a virtual host proves itself by.
const WORD: &str = "test-word";

/// A virtual host with a user that may do everything in it and nothing elsewhere. Dropped, both are removed.
pub struct Vhost {
    name: String,
    port: u16,
    management: Management,
    /// The broker, where none is shared.
    _own: Option<Rabbit>,
}

/// A broker to be shared, and its ports as text.
pub fn shared() -> (Rabbit, String) {
    let port = free_port();
    let rabbit = Rabbit::managed_at(port);
    let place = format!("{} {port}", rabbit.port());
    (rabbit, place)
}

impl Vhost {
    /// Makes a virtual host, at the run's shared broker where there is one.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (own, place) = match crate::shared::place_of("rabbit") {
            Some(place) => (None, place),
            None => {
                let (rabbit, place) = shared();
                (Some(rabbit), place)
            }
        };
        let mut ports = place.split(' ').map(|port| port.parse().expect("a port"));
        let (port, management) = (ports.next().expect("a port"), ports.next().expect("another"));
        let name = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let vhost = Self { name, port, management: Management { port: management }, _own: own };
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        vhost.put("vhosts/", &json!({}));
        vhost.put("users/", &json!({"password": WORD, "tags": ""}));
        vhost.put(&format!("permissions/{}/", vhost.name), &all);
        vhost
    }

    fn put(&self, kind: &str, what: &serde_json::Value) {
        self.management.put(&format!("{kind}{}", self.name), what);
    }

    /// Where it is, for its user.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same by way of another port, such as a proxy's.
    pub fn url_at(&self, port: u16) -> String {
        format!("amqp://{name}:{WORD}@127.0.0.1:{port}/{name}", name = self.name)
    }

    /// The port of its broker.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its queues with how many messages each holds.
    pub fn depths(&self) -> Vec<(String, u64)> {
        let queues = self.management.get(&format!("queues/{}", self.name));
        let depth = |queue: &serde_json::Value| {
            // A queue that was declared a moment ago is not counted yet.
            Some((queue["name"].as_str()?.to_owned(), queue["messages"].as_u64().unwrap_or(0)))
        };
        queues.as_array().expect("a list").iter().filter_map(depth).collect()
    }

    /// Deletes a queue with what is in it.
    pub fn delete_queue(&self, queue: &str) {
        self.management.delete(&format!("queues/{}/{queue}", self.name));
    }

    /// Deletes an exchange: what is published to it once it is declared again comes to none of the queues that were bound to it.
    pub fn delete_exchange(&self, exchange: &str) {
        self.management.delete(&format!("exchanges/{}/{exchange}", self.name));
    }

    /// Lets queues whose names match obey a policy.
    pub fn set_policy(&self, queues: &str, policy: &serde_json::Value) {
        let policy = json!({"pattern": queues, "definition": policy, "apply-to": "queues"});
        self.management.put(&format!("policies/{}/a-policy", self.name), &policy);
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        for kind in ["vhosts", "users"] {
            // What stays after a broker's trouble is in nobody's way.
            self.management.ask("DELETE", &format!("{kind}/{}", self.name), "").ok();
        }
    }
}
