//! Certificates of a test's own: an authority, a server called `localhost`, a client, and one that nobody signed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A folder with `ca.pem`, and `NAME.pem` beside `NAME.key` for `server`, `client` and `alone`.
pub struct Certificates(TempDir);

fn openssl(folder: &Path, args: &[&str]) {
    let output = Command::new("openssl").args(args).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run openssl ({error}); apt-get install -y openssl"));
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const NEW: [&str; 6] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"];

impl Certificates {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let own = |name: &str, subject: &str| {
            let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
            let args = ["req", "-x509", "-days", "2", "-subj", subject, "-keyout", &key, "-out", &pem];
            openssl(folder.path(), &[&args[..], &NEW[..]].concat());
        };
        own("ca", "/CN=an authority");
        own("alone", "/CN=localhost");
        for (name, subject, usage) in [("server", "/CN=localhost", "serverAuth"), ("client", "/CN=node", "clientAuth")]
        {
            let [key, csr, pem, extensions] = ["key", "csr", "pem", "ext"].map(|end| format!("{name}.{end}"));
            let text = format!("subjectAltName=DNS:localhost\nextendedKeyUsage={usage}\n");
            fs::write(folder.path().join(&extensions), text).expect("written");
            let asked = ["req", "-subj", subject, "-keyout", &key, "-out", &csr];
            openssl(folder.path(), &[&asked[..], &NEW[..]].concat());
            let signed = ["x509", "-req", "-in", &csr, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
            openssl(folder.path(), &[&signed[..], &["-days", "2", "-extfile", &extensions, "-out", &pem]].concat());
        }
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Lines of a broker's configuration that make it listen at a port; `more` are further options.
    pub fn listener(&self, port: u16, more: &str) -> String {
        let [ca, pem, key] = ["ca.pem", "server.pem", "server.key"].map(|name| self.text(name));
        format!(
            "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {ca}\nssl_options.certfile = {pem}\n\
             ssl_options.keyfile = {key}\n{more}"
        )
    }
}
