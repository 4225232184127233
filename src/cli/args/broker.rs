//! The arguments that name a broker, and what is opened with them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

#[cfg(feature = "amqp")]
use euterpe_amqp::{BrokerUrl, ConnectionSettings, Identity};
use euterpe_engine::{Access, Mistake, Over, Session};
use euterpe_graph_file::units;

/// Which broker, and how to trust it. These belong to the site and never stand in a graph file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct BrokerArgs {
    /// Work over this broker (`amqp://user:password@host:5672/vhost`, `amqps://…`) instead of in this process alone.
    #[arg(help_heading = "Broker", long, value_name = "URL", env = "EUTERPE_BROKER", hide_env_values = true)]
    pub broker: Option<String>,

    /// A file that holds the URL of the broker, and that only its owner can read; --broker goes before it.
    #[arg(help_heading = "Broker", long, value_name = "FILE", env = "EUTERPE_BROKER_FILE")]
    pub broker_file: Option<PathBuf>,

    /// A file of certificates (PEM) to trust beside the system's.
    #[arg(help_heading = "Broker", long, value_name = "FILE", env = "EUTERPE_BROKER_CA")]
    pub broker_ca: Option<PathBuf>,

    /// A client certificate with its chain (PEM).
    #[arg(help_heading = "Broker", long, value_name = "FILE", env = "EUTERPE_BROKER_CERT", requires = "broker_key")]
    pub broker_cert: Option<PathBuf>,

    /// The key of the client certificate (PKCS #8, PEM).
    #[arg(help_heading = "Broker", long, value_name = "FILE", env = "EUTERPE_BROKER_KEY", requires = "broker_cert")]
    pub broker_key: Option<PathBuf>,

    /// Allow a connection to another machine that is not encrypted.
    #[arg(help_heading = "Broker", long, env = "EUTERPE_ALLOW_PLAINTEXT", value_parser = clap::builder::FalseyValueParser::new())]
    pub allow_plaintext: bool,

    /// How often broker and node tell each other that they are alive.
    #[arg(help_heading = "Broker", long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub heartbeat: Duration,

    /// How long a broker older than 3.12 lets a message be in hand (its setting `consumer_timeout`).
    #[arg(help_heading = "Broker", long, value_name = "TIME", value_parser = duration)]
    pub consumer_timeout: Option<Duration>,
}

/// Reads a time with its unit, such as `10s`.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    units::duration(text).ok_or_else(|| format!("`{text}` is no time; write one with its unit, such as 10s or 30m"))
}

impl BrokerArgs {
    /// Whether a broker is named; an empty variable names none.
    fn is_named(&self) -> bool {
        self.typed().is_some() || self.file().is_some()
    }

    fn typed(&self) -> Option<&str> {
        self.broker.as_deref().filter(|url| !url.trim().is_empty())
    }

    fn file(&self) -> Option<&Path> {
        self.broker_file.as_deref().filter(|file| !file.as_os_str().is_empty())
    }

    /// The same as variables of a further command.
    #[cfg(feature = "ui")]
    pub fn variables(&self) -> Vec<(String, String)> {
        let file = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let allowed = self.allow_plaintext.then(|| "1".to_owned());
        let all = [
            ("EUTERPE_BROKER", self.typed().map(str::to_owned)),
            ("EUTERPE_BROKER_FILE", file(&self.broker_file)),
            ("EUTERPE_BROKER_CA", file(&self.broker_ca)),
            ("EUTERPE_BROKER_CERT", file(&self.broker_cert)),
            ("EUTERPE_BROKER_KEY", file(&self.broker_key)),
            ("EUTERPE_ALLOW_PLAINTEXT", allowed),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// What a verb opens a graph for that writes, unless it only says what it would do.
    pub fn access(&self, dry_run: bool) -> Access {
        match (dry_run, self.is_named()) {
            (true, _) => Access::Look,
            (false, true) => Access::Share,
            (false, false) => Access::Hold,
        }
    }
}

#[cfg(feature = "amqp")]
impl BrokerArgs {
    /// How to reach the broker, if one is named.
    ///
    /// # Errors
    /// A URL that cannot be read, or plain text to another machine.
    pub fn dial(&self, name: &str) -> Result<Option<ConnectionSettings>, Mistake> {
        let Some(url) = self.url()? else { return Ok(None) };
        let url = BrokerUrl::new(url.trim(), self.allow_plaintext).map_err(|bad| Mistake(bad.to_string()))?;
        let identity = self.broker_cert.clone().zip(self.broker_key.clone());
        let identity = identity.map(|(certificate, key)| Identity { certificate, key });
        let (ca_file, heartbeat) = (self.broker_ca.clone(), self.heartbeat.max(Duration::from_secs(1)));
        Ok(Some(ConnectionSettings { url, ca_file, identity, heartbeat, name: format!("euterpe {name}") }))
    }

    /// The broker's URL, if one is named.
    fn url(&self) -> Result<Option<String>, Mistake> {
        if let Some(url) = self.typed() {
            return Ok(Some(url.to_owned()));
        }
        let Some(file) = self.file() else { return Ok(None) };
        let unreadable = |error: std::io::Error| {
            let file = file.display();
            Mistake(format!(
                "the file `{file}` with the URL of the broker (--broker-file, EUTERPE_BROKER_FILE) cannot be read: {error}"
            ))
        };
        std::fs::read_to_string(file).map(Some).map_err(unreadable)
    }

    /// The same, for a verb that needs one.
    ///
    /// # Errors
    /// As [`BrokerArgs::dial`], and where none is named.
    pub fn needed(&self, name: &str) -> Result<ConnectionSettings, Mistake> {
        let text =
            "this needs a broker: name one with --broker amqp://… or EUTERPE_BROKER; to work in one process, use `run`";
        self.dial(name)?.ok_or_else(|| Mistake(text.into()))
    }

    /// Opens the broker, trying for `patience`.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn open(&self, session: &Session, dial: ConnectionSettings, patience: Duration) -> anyhow::Result<Over> {
        session.connect(dial, self.consumer_timeout, patience).await
    }

    /// Opens the broker, if one is named.
    ///
    /// # Errors
    /// As [`BrokerArgs::dial`] and [`BrokerArgs::open`].
    pub async fn over(&self, session: &Session, name: &str) -> anyhow::Result<Option<Over>> {
        match self.dial(name)? {
            Some(dial) => self.open(session, dial, PATIENCE).await.map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(not(feature = "amqp"))]
impl BrokerArgs {
    /// No broker, for this program was built without.
    ///
    /// # Errors
    /// Where one is named.
    pub async fn over(&self, _: &Session, _: &str) -> anyhow::Result<Option<Over>> {
        self.none().map(|()| None).map_err(Into::into)
    }

    /// Says that no broker can be used.
    ///
    /// # Errors
    /// Where one is named.
    pub fn none(&self) -> Result<(), Mistake> {
        match self.is_named() {
            false => Ok(()),
            true => Err(Mistake("this program was built without the feature `amqp`, so it cannot use a broker; take away --broker, --broker-file and their variables to work in one process, or build it with `cargo install --features amqp`".into())),
        }
    }
}

/// How long a verb tries to reach the broker before it says that it cannot.
#[cfg(feature = "amqp")]
pub const PATIENCE: Duration = Duration::from_secs(10);
