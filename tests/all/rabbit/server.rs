//! A RabbitMQ process: its own node name, ports and data, never the machine's default one.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a broker may take to start on a loaded machine.
const START: Duration = Duration::from_secs(120);

/// Two cores are shared by broker and test.
const ERLANG: &str = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none";

/// What queues hold is counted twice a second, and not once in five: tests wait for it.
const COUNTS_OFTEN: &str = " -rabbit quorum_tick_interval 500";

/// A running broker. Dropped, it is ended and its data removed.
pub struct Rabbit {
    folder: TempDir,
    node: String,
    port: u16,
    distribution: u16,
    erlang: String,
    process: Option<Child>,
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

impl Rabbit {
    /// Starts a broker.
    pub fn start() -> Self {
        Self::with("")
    }

    /// Starts a broker with further lines in its configuration file; `$PORT` in them is its port.
    pub fn with(config: &str) -> Self {
        Self::of(config).started()
    }

    /// Starts another broker, which joins this one's cluster.
    pub fn another(&self) -> Self {
        let mut other = Self::of("");
        let cookie = ".erlang.cookie"; // by which brokers know each other
        fs::copy(self.path(cookie), other.path(cookie)).expect("a cookie");
        other.start_again();
        for args in [&["stop_app"][..], &["join_cluster", &self.node], &["start_app"]] {
            other.ctl(args);
        }
        other
    }

    /// Starts a broker that answers HTTP requests about itself at a port.
    pub fn managed_at(port: u16) -> Self {
        let mut rabbit = Self::of(&format!(
            "management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\nmanagement.disable_stats = true\n\
             management.enable_queue_totals = true\nmanagement_agent.disable_metrics_collector = true"
        ));
        fs::write(rabbit.path("enabled_plugins"), "[rabbitmq_management].\n").expect("written");
        rabbit.erlang += COUNTS_OFTEN;
        rabbit.started()
    }

    fn started(mut self) -> Self {
        self.start_again();
        self
    }

    /// A broker that is not started yet.
    fn of(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, distribution) = (free_port(), free_port());
        let node = format!("euterpe-test-{}-{port}@localhost", std::process::id());
        let config = config.replace("$PORT", &port.to_string());
        let text =
            format!("listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = false\nloopback_users = none\n{config}\n");
        fs::write(folder.path().join("rabbitmq.conf"), text).expect("written");
        fs::write(folder.path().join("enabled_plugins"), "[].\n").expect("written");
        Self { folder, node, port, distribution, erlang: ERLANG.to_owned(), process: None }
    }

    /// Starts a broker that listens at another of this machine's addresses too.
    pub fn also_at(address: Ipv4Addr) -> Self {
        Self::with(&format!("listeners.tcp.2 = {address}:$PORT"))
    }

    /// Where it is for who reaches it at that address.
    pub fn url_for(&self, address: Ipv4Addr) -> String {
        format!("amqp://guest:guest@{address}:{}", self.port)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        // The programs of the package itself: those on the path change the user.
        let programs = std::env::var("EUTERPE_RABBITMQ").unwrap_or_else(|_| "/usr/lib/rabbitmq/bin".to_owned());
        let mut command = Command::new(format!("{programs}/{program}"));
        command
            .env("HOME", self.folder.path())
            .env("RABBITMQ_NODENAME", &self.node)
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", self.path("data"))
            .env("RABBITMQ_LOG_BASE", self.path("log"))
            .env("RABBITMQ_LOGS", self.path("log/rabbit.log"))
            .env("RABBITMQ_CONFIG_FILE", self.path("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.path("enabled_plugins"))
            .env("RABBITMQ_PID_FILE", self.path("pid"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", &self.erlang)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .stdin(Stdio::null());
        command
    }

    /// Starts the broker again after it was stopped or killed, and waits until it takes connections.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let said = fs::File::create(self.path("said")).expect("a file");
        let mut command = self.command("rabbitmq-server");
        let errors = said.try_clone().expect("a file");
        let process = command.stdout(said).stderr(errors).spawn();
        self.process = Some(process.expect("RabbitMQ is installed: `tests/run` sees to it"));
        let until = Instant::now() + START;
        while !self.answers() {
            if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().expect("asked")) {
                panic!("the broker ended with {status}: {}", self.said());
            }
            assert!(Instant::now() < until, "the broker did not start: {}", self.said());
            thread::sleep(Duration::from_millis(50)); // a deadline against a real process
        }
    }

    /// Whether it takes connections and would let somebody log in.
    fn answers(&self) -> bool {
        use std::io::{Read, Write};
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut first = [0u8; 1];
        stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
            && stream.write_all(b"AMQP\0\0\x09\x01").is_ok()
            && stream.read_exact(&mut first).is_ok()
    }

    fn said(&self) -> String {
        let log = fs::read_to_string(self.path("log/rabbit.log")).unwrap_or_default();
        format!("{}\n{log}", fs::read_to_string(self.path("said")).unwrap_or_default())
    }

    /// Where it is, for the user that every broker has at first.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same by way of another port, such as a proxy's.
    pub fn url_at(&self, port: u16) -> String {
        format!("amqp://guest:guest@127.0.0.1:{port}")
    }

    /// What it calls itself among brokers.
    pub fn name(&self) -> &str {
        &self.node
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process of the broker itself, for benches.
    #[allow(dead_code)]
    pub fn pid(&self) -> u32 {
        fs::read_to_string(self.path("pid")).ok().and_then(|pid| pid.trim().parse().ok()).expect("it runs")
    }

    /// Calls `rabbitmqctl` and gives what it prints.
    pub fn ctl(&self, args: &[&str]) -> String {
        let output = self.command("rabbitmqctl").arg("--quiet").args(args).output().expect("rabbitmqctl");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "rabbitmqctl {args:?}: {out}{err}");
        out.into_owned()
    }

    /// The queues with how many messages each holds.
    pub fn depths(&self) -> Vec<(String, u64)> {
        let text = self.ctl(&["list_queues", "--no-table-headers", "name", "messages"]);
        let depth = |line: &str| {
            let (name, count) = line.split_once('\t')?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        };
        text.lines().filter_map(depth).collect()
    }

    /// Kills it, as a machine dies.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let pid = fs::read_to_string(self.path("pid")).ok().and_then(|pid| pid.trim().parse::<i32>().ok());
        for pid in pid.into_iter().chain([process.id() as i32]) {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                // Gone already is as good.
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
            }
        }
        process.wait().expect("waited for");
        // The port is free when the process is gone.
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        self.ctl(&["stop"]);
        if let Some(mut process) = self.process.take() {
            process.wait().expect("waited for");
        }
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        self.kill();
    }
}
