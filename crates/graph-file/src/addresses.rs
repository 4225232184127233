//! Addresses without what nobody but their owner may see: users, passwords, tokens, whatever place they are written in.

/// The same text, in which each word that holds `://` is masked as [`masked_address`] says, with `mark` in place of secrets.
pub fn masked_addresses(text: &str, mark: &str) -> String {
    let masked = |word: &str| if word.contains("://") { masked_address(word, mark) } else { word.to_owned() };
    text.split_inclusive(char::is_whitespace).map(masked).collect()
}

/// An address without secrets, as far as they can be told, and rather too much of it is masked than too little: whatever
/// stands before an `@` and has a `:`; all users; all that follows `?` or `#`, but for a name (`egg=`), a digest and a folder
/// (`subdirectory=`).
pub fn masked_address(address: &str, mark: &str) -> String {
    let (rest, fragment) = split(address, '#');
    let (path, query) = split(rest, '?');
    let mut shown = masked_path(path, mark);
    for (sign, parts) in [('?', query), ('#', fragment)] {
        if let Some(parts) = parts {
            shown.push(sign);
            shown += &masked_parts(parts, mark);
        }
    }
    shown
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn masked_path(path: &str, mark: &str) -> String {
    let Some((scheme, rest)) = path.split_once("://") else { return masked_segments(path, mark) };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, below) = rest.split_at(end);
    let (host, below) = match host.rsplit_once('@') {
        Some((_, host)) => (format!("{mark}@{host}"), below),
        None if has_port_or_none(host) => (host.to_owned(), below),
        // A password with a slash: it goes on up to the `@`.
        None => (mark.to_owned(), below.rfind('@').map_or(below, |at| &below[at..])),
    };
    format!("{}://{host}{}", masked_segments(scheme, mark), masked_path(below, mark))
}

/// Whether what follows the name of a host is its port; in brackets stands an address with colons.
fn has_port_or_none(host: &str) -> bool {
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    behind.split_once(':').is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn masked_segments(path: &str, mark: &str) -> String {
    path.split('/').map(|segment| masked_segment(segment, mark)).collect::<Vec<_>>().join("/")
}

/// A piece between two slashes: `u:pw@host` is masked, `name@v1` is a name and its version.
fn masked_segment(segment: &str, mark: &str) -> String {
    let small = segment.to_ascii_lowercase();
    let Some(at) = small.rfind('@').max(small.rfind("%40")) else { return segment.to_owned() };
    let colon = [small[..at].find(':'), small[..at].find("%3a")].into_iter().flatten().min();
    match colon {
        None => segment.to_owned(),
        // `svn+https:u:pw@host`: the scheme is no secret.
        Some(colon) if is_scheme(small[..colon].rsplit('@').next().unwrap_or_default()) => {
            format!("{}:{mark}{}", &segment[..colon], &segment[at..])
        }
        Some(_) => format!("{mark}{}", &segment[at..]),
    }
}

fn is_scheme(word: &str) -> bool {
    let known = ["http", "https", "ssh", "git", "svn", "hg", "bzr", "ftp", "sftp", "file"];
    word.split('+').all(|part| known.contains(&part))
}

/// What stands behind a `?` or a `#`, with what is known to be harmless.
fn masked_parts(parts: &str, mark: &str) -> String {
    let mut shown: Vec<&str> = parts.split('&').map(|part| if is_harmless(part) { part } else { mark }).collect();
    shown.dedup();
    shown.join("&")
}

fn is_harmless(part: &str) -> bool {
    let Some((name, value)) = part.split_once('=') else { return false };
    let of = |also: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c));
    match name {
        "egg" => of("._-[],"),
        "subdirectory" => of("._-/"),
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => value.bytes().all(|b| b.is_ascii_hexdigit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_shown_wherever_it_stands() {
        for (address, shown) in [
            ("git+https://u:canary@host/x/y.git", "git+https://***@host/x/y.git"),
            ("git+https://canary@host/x.git@v1", "git+https://***@host/x.git@v1"),
            ("https://host/bar.whl?token=canary&sig=canary", "https://host/bar.whl?***"),
            ("https://host/x.whl#access_token=canary", "https://host/x.whl#***"),
            ("https://host/x.zip?canary", "https://host/x.zip?***"),
            (
                "https://host/x.zip#egg=x[a,b]&canary=1&subdirectory=a/b",
                "https://host/x.zip#egg=x[a,b]&***&subdirectory=a/b",
            ),
            ("https://host/x.whl#sha256=00ff&md5=canary", "https://host/x.whl#sha256=00ff&***"),
            ("https://host/x.zip#egg=x:canary@y", "https://host/x.zip#***"),
            ("svn+https:u:canary@host/x", "svn+https:***@host/x"),
            ("foo@svn+https:u:canary@host/x", "foo@svn+https:***@host/x"),
            ("foo@https://u:canary@host/x", "foo@https://***@host/x"),
            ("https:/u:canary@host/x", "https:/***@host/x"),
            ("https://host/path/u:canary@thing", "https://host/path/***@thing"),
            ("https://host/path/u%3Acanary%40thing", "https://host/path/***%40thing"),
            ("https://u:can/ary@host/x", "https://***@host/x"),
            ("https://u:can?ary@host/x", "https://***?***"),
            ("https://u:can#ary@host/x", "https://***#***"),
            ("https://mirror/https://u:canary@host/x", "https://mirror/https://***@host/x"),
            ("u:canary@host:x/y", "***@host:x/y"),
            ("canary:x-oauth-basic@host/x", "***@host/x"),
        ] {
            assert_eq!(masked_address(address, "***"), shown);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for address in [
            "https://host:8080/a@b.zip",
            "https://[::1]:8080/a@b.zip",
            "git+https://host/demucs@0123456789abcdef#egg=demucs",
            "numpy>=1.26,<2;python_version<'3'",
            "git@host:owner/repo@v1",
            "./own",
        ] {
            assert_eq!(masked_address(address, "***"), address);
        }
        let text = "out:{a}@{b}.txt ü\thttps://host/x";
        assert_eq!(masked_addresses(text, "***"), text, "a key with an `@` is no address");
    }
}
