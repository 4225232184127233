//! `credentials`: the users and passwords of a local cluster, made up once, each file readable by its owner alone.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::net::Ipv6Addr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::cli::Exit;
use crate::cli::page::{Output, words::for_shell};

/// The user at the broker, its virtual host, and the name of the user of the object store.
const NAME: &str = "euterpe";
/// The settings of RabbitMQ, which makes that user when it starts for the first time.
const RABBITMQ: &str = "rabbitmq.conf";
/// The users of SeaweedFS.
const S3: &str = "s3.json";
/// The key for programs that speak S3, as a profile.
const AWS: &str = "aws";
/// The URL of the broker. Written last: where it is, all are.
const BROKER: &str = "broker";
/// All of them.
const FILES: [&str; 4] = [RABBITMQ, S3, AWS, BROKER];
/// Their mode.
const PRIVATE: u32 = 0o600;

/// Make up the credentials of a local cluster in a folder, unless they are there; its containers read them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Make nothing; print the variables by which a shell reaches the cluster. They hold the passwords.
    #[arg(long)]
    show: bool,

    /// Where the broker is.
    #[arg(long, value_name = "HOST:PORT", default_value = "rabbitmq:5672", value_parser = host_and_port)]
    broker: String,

    /// Where the object store is.
    #[arg(long, value_name = "URL", default_value = "http://object-store:8333", value_parser = address)]
    object_store: String,
}

/// Makes the files, or shows what they hold.
///
/// # Errors
/// A file that cannot be written or read.
pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    match args.show {
        true => show(args, out)?,
        false => make(args, out)?,
    }
    Ok(Exit::Ok)
}

fn make(args: &Args, out: Output) -> anyhow::Result<()> {
    let (folder, shown) = (&args.folder, args.folder.display());
    let made = !folder.join(BROKER).exists();
    if !made {
        keep_private(folder)?;
    } else {
        fs::create_dir_all(folder).with_context(|| format!("could not make the folder {shown}"))?;
        for (name, text) in files(&args.broker, &secret(24)?, &secret(10)?, &secret(24)?) {
            write(&folder.join(name), &text).with_context(|| format!("could not write {shown}/{name}"))?;
        }
    }
    match out.json {
        true => out.fact(&serde_json::json!({"folder": folder, "made": made}))?,
        false if made => out.text(&format!("made the credentials in {shown}"))?,
        false => out.text(&format!("the credentials are in {shown} already"))?,
    }
    Ok(())
}

/// Takes the right to read the files from everybody but their owner, where somebody gave it.
///
/// # Errors
/// A file that is gone, or whose mode cannot be changed.
fn keep_private(folder: &Path) -> anyhow::Result<()> {
    for name in FILES {
        let path = folder.join(name);
        match fs::metadata(&path) {
            Ok(found) if is_open(&found) => {
                fs::set_permissions(&path, Permissions::from_mode(PRIVATE))
                    .with_context(|| open_to_others(&path, &found))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!(anew(folder, &format!("{name} is gone")))
            }
            Err(error) => return Err(error).with_context(|| format!("could not look at {}", path.display())),
        }
    }
    Ok(())
}

fn is_open(found: &Metadata) -> bool {
    found.permissions().mode() & 0o077 != 0
}

fn open_to_others(path: &Path, found: &Metadata) -> String {
    let (mode, shown) = (found.permissions().mode() & 0o777, path.display().to_string());
    format!(
        "others than its owner can read {shown}, which holds a password (mode {mode:04o}); `chmod 600 {}` takes that from them",
        for_shell(&shown)
    )
}

/// What to do where the credentials are of no use: they cannot be made one by one, for the servers know the old ones.
fn anew(folder: &Path, why: &str) -> String {
    let folder = folder.display().to_string();
    let folder = for_shell(&folder);
    format!(
        "the credentials in {folder} are not whole: {why}; `rm -r {folder}` and `euterpe credentials {folder}` make others. A \
         cluster that was begun with the former ones has to begin anew: `euterpe down --volumes` removes it with all that it made"
    )
}

/// The files and what stands in them, in the order in which they are written.
fn files(broker: &str, password: &str, key: &str, secret: &str) -> [(&'static str, String); 4] {
    let rights = r"^(euterpe\.|amq\.gen)";
    let rabbitmq = format!(
        "default_vhost = {NAME}\ndefault_user = {NAME}\ndefault_pass = {password}\n\
         default_permissions.configure = {rights}\ndefault_permissions.read = {rights}\n\
         default_permissions.write = {rights}\nlog.console = true\nlog.file = false\n"
    );
    let identity = serde_json::json!({
        "name": NAME,
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    });
    let s3 = serde_json::json!({"identities": [identity]});
    let aws = format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    [
        (RABBITMQ, rabbitmq),
        (S3, format!("{s3:#}\n")),
        (AWS, aws),
        (BROKER, format!("amqp://{NAME}:{password}@{broker}/{NAME}\n")),
    ]
}

/// Reads the address of a broker: a host, and mostly a port.
fn host_and_port(text: &str) -> Result<String, String> {
    let wrong = format!("`{text}` is no HOST:PORT, such as rabbitmq:5672 or [::1]:5672");
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) => {
            (host, Some(port))
        }
        _ => (text, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_name = |host: &str| host.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && !host.is_empty();
    let is_v6 = |host: &str| {
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
    };
    match (is_name(host) || is_v6(host)) && port.is_none_or(is_port) {
        true => Ok(text.to_owned()),
        false => Err(wrong),
    }
}

/// Reads the address of an object store.
fn address(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = host.map(|host| host.split('/').next().unwrap_or_default());
    match host.is_some_and(|host| host_and_port(host).is_ok()) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no address of an object store, such as http://object-store:8333")),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // What a process wrote that was killed before the last file is of no use: nothing has read it.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// So many random bytes, in hexadecimal digits.
fn secret(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    let source = Path::new("/dev/urandom");
    File::open(source).and_then(|mut file| file.read_exact(&mut random)).context("could not read /dev/urandom")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn show(args: &Args, out: Output) -> anyhow::Result<()> {
    let folder = &args.folder;
    let read = |name: &str| {
        let path = folder.join(name);
        match fs::metadata(&path) {
            Ok(found) if is_open(&found) => bail!(open_to_others(&path, &found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.join(BROKER).exists() => {
                bail!(anew(folder, &format!("{name} is gone")))
            }
            _ => {}
        }
        let typed = for_shell(&folder.display().to_string());
        fs::read_to_string(&path)
            .with_context(|| format!("could not read {}; `euterpe credentials {typed}` makes it", path.display()))
    };
    let (url, profile) = (read(BROKER)?, read(AWS)?);
    let Some((user, _)) = url.trim().rsplit_once('@').filter(|(user, _)| user.starts_with("amqp")) else {
        bail!(anew(folder, &format!("{BROKER} holds no URL of a broker")));
    };
    let value = |key: &str| {
        let values = profile.lines().filter_map(|line| line.split_once('='));
        let mut found = values.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned());
        found.next().with_context(|| anew(folder, &format!("{AWS} holds no `{key}`")))
    };
    let mut variables = vec![
        ("EUTERPE_BROKER".to_owned(), format!("{user}@{}/{NAME}", args.broker)),
        ("AWS_ACCESS_KEY_ID".to_owned(), value("aws_access_key_id")?),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), value("aws_secret_access_key")?),
        ("AWS_ENDPOINT_URL_S3".to_owned(), args.object_store.clone()),
        ("AWS_REGION".to_owned(), std::env::var("AWS_REGION").unwrap_or_else(|_| "us-east-1".to_owned())),
    ];
    // The same places as for whoever runs this.
    let places = |name: &str| name == "EUTERPE_STATE" || name.starts_with("EUTERPE_STORE");
    variables.extend(std::env::vars().filter(|(name, value)| places(name) && !value.is_empty()));
    for (name, value) in variables {
        match out.json {
            true => out.fact(&serde_json::json!({"name": name, "value": value}))?,
            false => out.text(&format!("export {name}={}", for_shell(&value)))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(folder: &Path) -> Args {
        let broker = "rabbitmq:5672".to_owned();
        Args { folder: folder.to_owned(), show: false, broker, object_store: "http://object-store:8333".to_owned() }
    }

    fn all(folder: &Path) -> Vec<String> {
        FILES.map(|name| fs::read_to_string(folder.join(name)).expect("made")).into()
    }

    #[test]
    fn they_are_made_up_once_and_readable_by_their_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let json = Output { json: true };
        make(&args(&one), json).expect("made");
        let first = all(&one);
        for name in FILES {
            let mode = fs::metadata(one.join(name)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        make(&args(&one), json).expect("there already");
        assert_eq!(all(&one), first);
        make(&args(&two), json).expect("made");
        assert!(all(&two).iter().zip(&first).all(|(a, b)| a != b), "each cluster has its own");
    }

    #[test]
    fn what_a_killed_process_left_half_done_is_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(RABBITMQ), "default_pass = old\n").expect("written");
        make(&args(folder.path()), Output { json: true }).expect("made");
        let all = all(folder.path());
        let password = all[0].lines().find_map(|line| line.strip_prefix("default_pass = ")).expect("a password");
        assert!(password.len() == 48 && all[3].contains(password), "{all:?}");
    }
    #[test]
    fn what_is_not_whole_or_not_private_is_said_with_a_remedy_that_works() {
        let folder = tempfile::tempdir().expect("a folder");
        let (folder, json) = (folder.path().join("c"), Output { json: true });
        let open = || fs::set_permissions(folder.join(AWS), Permissions::from_mode(0o644)).expect("changed");
        make(&args(&folder), json).expect("made");
        show(&args(&folder), json).expect("whole and private");
        open();
        let said = show(&args(&folder), json).expect_err("others can read it").to_string();
        assert!(said.contains("(mode 0644); `chmod 600 ") && said.contains("/c/aws`"), "{said}");
        make(&args(&folder), json).expect("put right");
        show(&args(&folder), json).expect("private again");
        fs::remove_file(folder.join(AWS)).expect("removed");
        for said in [show(&args(&folder), json), make(&args(&folder), json)] {
            let said = said.expect_err("not whole").to_string();
            assert!(said.contains("aws is gone; `rm -r ") && said.contains("down --volumes"), "{said}");
        }
        fs::remove_dir_all(&folder).expect("removed, as it says");
        let said = show(&args(&folder), json).expect_err("nothing there").to_string();
        assert!(said.contains("`euterpe credentials ") && said.contains("makes it"), "{said}");
        make(&args(&folder), json).expect("made anew, as it says");
        fs::write(folder.join(BROKER), "nonsense\n").expect("written");
        let said = show(&args(&folder), json).expect_err("no URL").to_string();
        assert!(said.contains("broker holds no URL of a broker; `rm -r"), "{said}");
    }

    #[test]
    fn an_address_that_can_be_none_is_refused_before_it_stands_in_a_url() {
        for good in ["rabbitmq:5672", "127.0.0.1:5672", "[::1]:5672", "rabbitmq", "my_host-1.lan:1"] {
            assert_eq!(host_and_port(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            ":5672",
            "a b:1",
            "host:",
            "host:0",
            "host:70000",
            "u:p@host:1",
            "host/x:1",
            "::1",
            "[x]:1",
            "amqp://h:1",
        ] {
            assert!(host_and_port(bad).is_err_and(|why| why.contains("is no HOST:PORT")), "{bad}");
        }
        for good in ["http://object-store:8333", "https://s3.lan", "http://127.0.0.1:9000/"] {
            assert_eq!(address(good).as_deref(), Ok(good));
        }
        for bad in ["object-store:8333", "http://", "http://a b", "ftp://host", "http://key:secret@host"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
