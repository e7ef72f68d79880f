//! Which addresses a fetch for a stranger may never reach (CI-10, S-16).
//!
//! Refused is every block of IANA's special-purpose registries (RFC 6890 and its updates), whether or not the
//! registry calls it globally reachable, every form that carries an IPv4 address through IPv6, and Azure's
//! platform address. A document on the public internet needs none of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// "This network". Apart from the others because of [`carries_special_v4`].
const THIS_NETWORK: Ipv4Net = v4(0, 0, 0, 0, 8);

const SPECIAL_V4: [Ipv4Net; 19] = [
    THIS_NETWORK,
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // carrier-grade NAT; Alibaba's metadata service
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // Azure's platform (WireServer, DNS, DHCP): public by number, local by nature
    v4(169, 254, 0, 0, 16),   // link-local; the metadata service of every cloud
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments; Oracle's metadata service
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 31, 196, 0, 24),  // AS112
    v4(192, 52, 193, 0, 24),  // AMT relays
    v4(192, 88, 99, 0, 24),   // 6to4 relays, deprecated
    v4(192, 168, 0, 0, 16),   // private
    v4(192, 175, 48, 0, 24),  // AS112
    v4(198, 18, 0, 0, 15),    // benchmarking
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, broadcast
];

/// The only block that global unicast addresses come from. Outside of it are loopback, `::a.b.c.d`,
/// `::ffff:a.b.c.d`, NAT64 (`64:ff9b::`), segment routing (`5f00::`), unique local, link-local, site-local
/// and multicast addresses.
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What is special inside [`GLOBAL_UNICAST`].
const SPECIAL_V6: [Ipv6Net; 6] = [
    v6(0x2001, 0, 0, 23), // protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, drones
    v6(0x2001, 0xdb8, 0, 32), // documentation
    v6(0x2002, 0, 0, 16), // 6to4
    v6(0x2620, 0x4f, 0x8000, 48), // AS112
    v6(0x3ffe, 0, 0, 16), // 6bone, returned
    v6(0x3fff, 0, 0, 20), // documentation
];

/// Whether an address is anything but an ordinary public one.
pub(crate) fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_special_v4(address),
        IpAddr::V6(address) => is_special_v6(address),
    }
}

fn is_special_v4(address: Ipv4Addr) -> bool {
    SPECIAL_V4.iter().any(|block| block.contains(&address))
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    !GLOBAL_UNICAST.contains(&address)
        || SPECIAL_V6.iter().any(|block| block.contains(&address))
        || is_isatap(address)
        || carries_special_v4(address)
}

/// An interface identifier of ISATAP (RFC 5214 §6.1): a tunnel to the IPv4 address at its end.
fn is_isatap(address: Ipv6Addr) -> bool {
    // Without the bits that say universal and group, which ISATAP may set either way.
    matches!(address.segments(), [_, _, _, _, flags, 0x5efe, _, _] if flags & !0x0300 == 0)
}

/// A network may translate a prefix of its own to IPv4 (RFC 6052 §2.2); nobody can tell that prefix from any
/// other, but an address that ends like `10.0.0.1` after a row of zeros is worth refusing. One that ends
/// in a small number, such as `2001:4860::8888`, is how people number servers.
fn carries_special_v4(address: Ipv6Addr) -> bool {
    let [_, _, _, _, 0, 0, high, low] = address.segments() else { return false };
    let carried = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    !THIS_NETWORK.contains(&carried) && is_special_v4(carried)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_refused_in_every_disguise() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::10.0.0.1",
            "64:ff9b:1:ffff::8.8.8.8",
            "100::1",
            "100:0:0:1::1",
            "1fff::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3ffe::1",
            "3fff::1",
            "3fff:fff:ffff::1",
            "2a00:1450:4001:80b:0:5efe:10.0.0.1",
            "2a00:1450:4001:80b:200:5efe:8.8.8.8",
            "2a00:1450:4001:80b::10.0.0.1",
            "2a00:1450:4001:80b::169.254.169.254",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fe80::5efe:10.0.0.1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(is_special(address.parse().unwrap()), "{address} was allowed");
        }
    }

    #[test]
    fn ordinary_public_addresses_are_allowed() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.1",
            "20.190.128.1",
            "100.63.255.255",
            "100.128.0.1",
            "104.16.133.229",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.15",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:67c:2b0::1",
            "2603:1030:20e:3::23c",
            "2606:4700::6810:85e5",
            "2606:50c0:8000::153",
            "2620:1ec:21::14",
            "2a00:1450:4001:80b::200e",
            "2a03:2880:f12f:83:face:b00c:0:25de",
            "3ffd::1",
        ] {
            assert!(!is_special(address.parse().unwrap()), "{address} was refused");
        }
    }
}
