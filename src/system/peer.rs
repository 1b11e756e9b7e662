//! Checks whether the other end of a loopback connection belongs to the current user. Other local users can read a
//! login's `state` from the browser's arguments, so `state` alone does not prove that a redirect is ours.

use std::net::TcpStream;

/// Whether the process at the other end of `stream` belongs to the current user. Only established sockets count: the kernel
/// lists closed ones as root's.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
pub(crate) fn is_own(stream: &TcpStream) -> bool {
    let (Ok(own), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return false };
    let uid = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|table| {
        let table = std::fs::read_to_string(table).map_err(|error| log::info!("{table}: {error}")).ok()?;
        linux::owner(&table, peer, own)
    });
    let is_own = uid == Some(rustix::process::getuid().as_raw());
    if !is_own {
        log::info!("a redirect came from user {uid:?}");
    }
    is_own
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_own(_: &TcpStream) -> bool {
    true
}

#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};

    /// The state of an established connection.
    const ESTABLISHED: &str = "01";

    /// The owner of the socket with these addresses, in the format of `/proc/net/tcp` (proc_net_tcp.rst in the
    /// kernel's documentation).
    pub(crate) fn owner(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
        table.lines().skip(1).find_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let (found_local, found_remote) = (fields.next()?, fields.next()?);
            let found = names(local).contains(&found_local.to_owned())
                && names(remote).contains(&found_remote.to_owned())
                && fields.next()? == ESTABLISHED;
            if found { fields.nth(3)?.parse().ok() } else { None }
        })
    }

    /// The address as in the tables. IPv4 addresses also occur as IPv4-mapped IPv6 addresses.
    fn names(address: SocketAddr) -> Vec<String> {
        let port = address.port();
        let hex = |bytes: &[u8]| {
            bytes
                .chunks_exact(4)
                .map(|word| format!("{:08X}", u32::from_ne_bytes([word[0], word[1], word[2], word[3]])))
                .collect::<String>()
        };
        match address.ip() {
            IpAddr::V6(ip) => vec![format!("{}:{port:04X}", hex(&ip.octets()))],
            IpAddr::V4(ip) => {
                let mapped = ip.to_ipv6_mapped().octets();
                vec![format!("{}:{port:04X}", hex(&ip.octets())), format!("{}:{port:04X}", hex(&mapped))]
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::linux::owner;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 0100007F:24DD 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 5 1 0\n\
        1: 0100007F:D431 0100007F:24DD 01 00000000:00000000 00:00000000 00000000  1001        0 6 1 0\n\
        2: 0100007F:D432 0100007F:24DD 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0\n\
        3: 0000000000000000FFFF00000100007F:D433 0000000000000000FFFF00000100007F:24DD 01 0:0 0:0 0  1002 0 7\n\
        4: 00000000000000000000000001000000:D434 00000000000000000000000001000000:24DD 01 0:0 0:0 0  1003 0 8\n";

    #[test]
    fn the_owner_of_the_other_end_is_found() {
        let owner = |peer: &str, own: &str| owner(TABLE, peer.parse().unwrap(), own.parse().unwrap());
        assert_eq!(owner("127.0.0.1:54321", "127.0.0.1:9437"), Some(1001));
        assert_eq!(owner("127.0.0.1:54322", "127.0.0.1:9437"), None, "closed");
        assert_eq!(owner("127.0.0.1:54323", "127.0.0.1:9437"), Some(1002));
        assert_eq!(owner("[::1]:54324", "[::1]:9437"), Some(1003));
        assert_eq!(owner("127.0.0.1:9", "127.0.0.1:9437"), None);
    }
}
