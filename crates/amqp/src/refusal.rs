//! Errors of the broker or the system in words for people: with the remedy where one is known, without the user's name.

/// Parts of errors that trying again cannot help: a person has to change something.
const FINAL: [&str; 8] = [
    "ACCESS_REFUSED",
    "NOT_ALLOWED",
    "InvalidProtocolVersion",
    "certificate",
    "fatal alert",
    "peer is incompatible",
    "corrupt message",
    "keys may not be consistent",
];

/// Parts of errors, each with the remedy.
const REMEDIES: [(&str, &str); 8] = [
    ("Connection refused", "nothing listens there; is the broker running, and is this its address?"),
    (
        "UnknownIssuer",
        "nobody whom this machine trusts has signed the broker's certificate; name its authority with --broker-ca",
    ),
    ("not valid for name", "the broker's certificate is for another name; use the name that stands in it"),
    (
        "alert: CertificateRequired",
        "the broker wants a client certificate; give one with --broker-cert and --broker-key",
    ),
    (
        "CaUsedAsEndEntity",
        "the broker's certificate is an authority's, signed by itself; the broker needs one that an authority signed",
    ),
    ("alert: HandshakeFailure", "the broker wants a client certificate, or encryption that is not spoken here"),
    (
        "delivery acknowledgement on channel",
        "work took longer than the broker lets a message be in hand, and it delivers it again; raise `consumer_timeout` \
         of the broker and say so with --consumer-timeout, or lower the job's `timeout`",
    ),
    ("corrupt message", "what listens there does not speak TLS; is it the port for amqp://?"),
];

/// The error in words.
pub(super) fn said(error: &lapin::Error) -> String {
    in_words(&error.to_string())
}

fn in_words(text: &str) -> String {
    // The broker names the user whom it refuses; that belongs into its own log only.
    let text = text.split_once(" for user '").map_or(text, |(before, _)| before);
    match REMEDIES.iter().find(|(sign, _)| text.contains(sign)) {
        Some((_, remedy)) => format!("{remedy} ({text})"),
        None => text.to_owned(),
    }
}

/// Whether these words mean that trying again cannot help.
pub(super) fn is_final(words: &str) -> bool {
    FINAL.iter().any(|sign| words.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_no_user_and_say_what_helps() {
        let refused = in_words("ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'canary'");
        assert_eq!(refused, "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused");
        let unknown = in_words("IO error: invalid peer certificate: UnknownIssuer");
        assert!(unknown.contains("--broker-ca") && unknown.ends_with("UnknownIssuer)"), "{unknown}");
        assert!(is_final(&refused) && is_final(&unknown));
        assert!(!is_final("IO error: Connection refused (os error 111)"));
    }
}
