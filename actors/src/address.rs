//! Addresses that a graph file may not lead to: link-local ones, where clouds answer with a machine's credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names under which clouds answer for themselves.
const NAMES: [&str; 5] =
    ["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// Whether an address is link-local or known to answer for a cloud itself.
pub fn is_off_limits(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_off_limits_v4(v4),
        IpAddr::V6(v6) => {
            let embedded = v6.to_ipv4_mapped().or_else(|| embedded_v4(v6));
            v6.is_unicast_link_local()
                || v6.segments() == [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254]
                || embedded.is_some_and(is_off_limits_v4)
        }
    }
}

fn is_off_limits_v4(address: Ipv4Addr) -> bool {
    // The second and third answer for two clouds outside the link-local range.
    address.is_link_local()
        || matches!(address.octets(), [100, 100, 100, 200] | [168, 63, 129, 16])
        || address.octets() == [0; 4]
}

/// The IPv4 address within one for translators (`64:ff9b::/96`, `2002::/16`) or in the old compatible form.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// Whether a host, as an address writes it, is off limits: by its name, or as an address in any of the forms that
/// programs read, such as `2852039166` or `0xa9.0xfe.43518`.
pub fn is_host_off_limits(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let bare = host.split('%').next().unwrap_or_default();
    if let Ok(address) = bare.parse::<IpAddr>() {
        return is_off_limits(address);
    }
    NAMES.contains(&bare) || old_v4(bare).is_some_and(is_off_limits_v4)
}

/// An IPv4 address of one to four numbers, decimal, octal or hexadecimal, the last of which fills what is left.
fn old_v4(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| match part.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
        None => part.parse::<u32>().ok(),
    };
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    let left = 4_usize.checked_sub(first.len()).filter(|left| *left > 0)?;
    let room = u32::MAX >> (8 * (4 - left));
    let heads = first.iter().rev().enumerate().map(|(at, part)| (*part <= 255).then(|| part << (8 * (left + at))));
    let head: u32 = heads.collect::<Option<Vec<_>>>()?.into_iter().fold(0, |sum, part| sum | part);
    (*last <= room).then(|| Ipv4Addr::from(head | last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses_are_known_in_every_form() {
        for host in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1",
            "2852039166",
            "0xa9fea9fe",
            "0xa9.0xfe.0xa9.0xfe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.16689662",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[fd00:ec2::254]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "metadata.google.internal",
            "METADATA.google.internal.",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
        ] {
            assert!(is_host_off_limits(host), "{host}");
        }
    }

    #[test]
    fn servers_of_ones_own_are_no_metadata() {
        for host in [
            "127.0.0.1",
            "localhost",
            "10.0.0.7",
            "192.168.1.2",
            "[::1]",
            "[fd12::1]",
            "minio",
            "s3.example.com",
            "169.253.0.1",
            "2130706433",
            "1.2.3.4.5",
            "",
            "::",
            "metadata.example.com",
            "0x",
            "256.1.1.1",
            "999999999999",
        ] {
            assert!(!is_host_off_limits(host), "{host}");
        }
    }
}
