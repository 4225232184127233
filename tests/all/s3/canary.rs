//! No output shows a secret, wherever it was given, whatever is asked for, whether it goes well, and however loudly.

use std::process::Command;

use super::faults;
use super::run::Studio;
use super::server::{BUCKET, SECRET, USER};
use crate::cli::{Called, ended};

/// In each of the places that the SDK or this program reads; each value begins so.
const CANARY: &str = "canary-secret";

/// What is no secret, and stands in the logs: by it is known that they would be seen.
const REGION: &str = "canary-region-1";

const VERBS: [&str; 9] = [
    "run g.yaml",
    "--json run g.yaml --force=all",
    "plan g.yaml",
    "verify g.yaml",
    "--json verify g.yaml",
    "explain g.yaml t-1",
    "config show g.yaml",
    "--json config show g.yaml",
    "runs check g.yaml last",
];

/// Every variable of the SDK that holds a secret or leads to one; the keys themselves are the caller's.
fn set_up(command: &mut Command, studio: &Studio) {
    for (variable, file) in [
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ("AWS_CONFIG_FILE", "config"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "token"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token"),
    ] {
        command.env(variable, studio.path(file));
    }
    command
        .env("AWS_REGION", REGION)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/canary")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", format!("{CANARY}-container"))
        .env("AWS_BEARER_TOKEN_BEDROCK", format!("{CANARY}-bearer"))
        .env("EUTERPE_LOG", "trace")
        .env("RUST_LOG", "trace");
}

#[track_caller]
fn silent(what: &str, called: &Called) {
    for word in [CANARY, SECRET] {
        for text in [&called.out, &called.err] {
            let line = text.lines().find(|line| line.contains(word));
            assert!(line.is_none(), "{what} shows {word}: {line:?}");
        }
    }
}

fn studio() -> Studio {
    let studio = faults::studio(3);
    let profile = |name: &str| {
        format!(
            "[{name}]\naws_access_key_id = {USER}\naws_secret_access_key = {CANARY}-file\naws_session_token = {CANARY}-file-token\n"
        )
    };
    std::fs::write(studio.path("credentials"), profile("default") + &profile("other")).expect("written");
    std::fs::write(
        studio.path("config"),
        format!("{}region = {REGION}\n{}", profile("default"), profile("profile more")),
    )
    .expect("written");
    std::fs::write(studio.path("token"), format!("{CANARY}-web")).expect("written");
    studio
}

#[test]
fn no_output_shows_a_secret_whatever_is_asked_for_and_however_loudly() {
    let studio = studio();
    // What is right; what is wrong in each of the ways that the SDK could tell of; what only a file knows.
    let wrong = format!("{CANARY}-environment");
    let identities = [Some((USER, SECRET)), Some((USER, &*wrong)), Some(("canary-user", &*wrong)), None];
    let (mut good, mut refused, mut seen) = (0, 0, 0);
    for identity in identities {
        for verb in VERBS {
            let mut command = studio.command(verb);
            set_up(&mut command, &studio);
            match identity {
                Some((user, secret)) => {
                    command.env("AWS_ACCESS_KEY_ID", user).env("AWS_SECRET_ACCESS_KEY", secret);
                    if secret != SECRET {
                        command.env("AWS_SESSION_TOKEN", format!("{CANARY}-session"));
                    }
                }
                None => {
                    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
                }
            }
            let called = ended(command.output().expect("it starts"));
            silent(verb, &called);
            good += usize::from(verb == "run g.yaml" && called.code == 0);
            refused += usize::from(verb == "run g.yaml" && called.err.contains("(403)"));
            seen += usize::from(called.err.contains(REGION));
        }
    }
    // The same files and variables are read, and the logs are seen: what is no secret shows.
    assert_eq!((good, refused), (1, 3), "a run that went well, and those that were refused");
    assert!(seen > 8, "the logs were not seen: {seen}");
    let kept = Command::new("grep")
        .args(["-rl", "--exclude=credentials", "--exclude=config", "--exclude=token", "-e", CANARY, "-e", SECRET])
        .arg(studio.path("."))
        .output()
        .expect("grep");
    assert!(kept.stdout.is_empty(), "a secret was kept: {}", String::from_utf8_lossy(&kept.stdout));
}

#[test]
fn the_password_of_an_address_is_not_shown_and_its_server_is() {
    let studio = studio();
    let server = studio.server.endpoint().replace("http://", "");
    let address = format!("http://user:{CANARY}-address@{server}");
    let call = |words: &str, variable: &str, value: &str| {
        let mut command = studio.command(words);
        set_up(&mut command, &studio);
        ended(command.env(variable, value).output().expect("it starts"))
    };
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        for verb in VERBS {
            let called = call(verb, variable, &address);
            silent(&format!("{variable}, {verb}"), &called);
            let said = format!("{}{}", called.out, called.err);
            let refused = said.contains(&format!("{variable} holds a user or a password"));
            assert!(refused || !verb.contains("run g") && !verb.contains("verify"), "{variable}, {verb}: {said}");
        }
    }
    std::fs::write(studio.path("addressed"), format!("[default]\nendpoint_url = {address}\n")).expect("written");
    for verb in VERBS {
        let mut command = studio.command(verb);
        set_up(&mut command, &studio);
        command.env_remove("AWS_ENDPOINT_URL").env("AWS_CONFIG_FILE", studio.path("addressed"));
        let called = ended(command.output().expect("it starts"));
        silent(&format!("a profile, {verb}"), &called);
        let said = format!("{}{}", called.out, called.err);
        let refused = said.contains("`endpoint_url` of the profile holds a user or a password");
        assert!(refused || !verb.contains("run g") && !verb.contains("verify"), "a profile, {verb}: {said}");
    }
    // At once, for some of them try for a while to reach a broker that is not there.
    std::thread::scope(|scope| {
        for verb in VERBS {
            let call = &call;
            scope.spawn(move || {
                silent(verb, &call(verb, "EUTERPE_BROKER", &format!("amqp://user:{CANARY}-broker@127.0.0.1:1/x")));
            });
        }
    });
    let graph = faults::copies().replace(
        &format!("out: \"s3://{BUCKET}/out\""),
        &format!("out: {{url: \"s3://{BUCKET}/out\", endpoint: \"{address}\"}}"),
    );
    std::fs::write(studio.path("g.yaml"), graph).expect("written");
    for verb in VERBS.into_iter().chain(["lint g.yaml", "--json lint g.yaml"]) {
        silent(verb, &call(verb, "AWS_ENDPOINT_URL", &studio.server.endpoint()));
    }
}
