//! The URL of a shared store.

use crate::error::{Code, Error};
use crate::i18n::tr;
use std::net::IpAddr;

/// The URL in parts. Only [`Address::place`] is fit to be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address<'a> {
    pub(crate) scheme: &'a str,
    /// User and password, percent-encoded, or empty.
    pub(crate) userinfo: &'a str,
    /// One host or several, with ports, or a bucket. Empty for a Unix socket.
    pub(crate) hosts: &'a str,
    /// What follows the hosts, without query.
    pub(crate) path: &'a str,
}

impl<'a> Address<'a> {
    /// `Code::Config` if it is not a URL. No error repeats a part of `url`.
    pub(crate) fn parse(url: &'a str) -> Result<Self, Error> {
        let (scheme, rest) = url.split_once(':').ok_or_else(invalid)?;
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || c == '+';
        if scheme.is_empty() || !scheme.chars().all(is_scheme) {
            return Err(invalid());
        }
        if is_unix(scheme) {
            let path = rest.trim_start_matches("//").split(['?', '#']).next().unwrap_or_default();
            return Ok(Address { scheme, userinfo: "", hosts: "", path });
        }
        let rest = rest.strip_prefix("//").ok_or_else(invalid)?;
        let (userinfo, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        if !is_encoded(userinfo) {
            return Err(not_encoded());
        }
        let (hosts, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._:,[]".contains(c);
        let ports = hosts.split(',').all(|host| host.rsplit_once(':').is_none_or(|(_, port)| is_port(port)));
        if hosts.is_empty() || !hosts.chars().all(legal) || !ports {
            return Err(invalid());
        }
        let path = path.split(['?', '#']).next().unwrap_or_default();
        Ok(Address { scheme, userinfo, hosts, path })
    }

    /// Scheme, hosts, ports and database.
    pub(crate) fn place(&self) -> String {
        if is_unix(self.scheme) {
            return format!("{}://{}", self.scheme, self.path);
        }
        let database = self.path.rsplit('/').next().unwrap_or_default();
        let is_database = !database.is_empty() && database.bytes().all(|b| b.is_ascii_digit());
        let database =
            if is_database && !self.is_object_storage() { format!("/{database}") } else { String::new() };
        format!("{}://{}{database}", self.scheme, self.hosts)
    }

    pub(crate) fn is_object_storage(&self) -> bool {
        matches!(self.scheme, "s3" | "gs" | "az")
    }

    /// Whether the connection is neither encrypted nor to this machine or a private network.
    pub(crate) fn is_exposed(&self) -> bool {
        let is_plain = matches!(self.scheme, "redis" | "valkey" | "redis+cluster" | "redis+sentinel");
        is_plain && self.hosts.split(',').any(|host| !is_private(host))
    }
}

fn is_unix(scheme: &str) -> bool {
    matches!(scheme, "unix" | "redis+unix" | "valkey+unix")
}

/// The end of an IPv6 address in brackets is no port.
fn is_port(text: &str) -> bool {
    text.ends_with(']') || text.parse::<u16>().is_ok()
}

/// Whether it has only characters that RFC 3986 allows before an `@`.
fn is_encoded(userinfo: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:".contains(c);
    let mut parts = userinfo.split('%');
    let hex = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    parts.next().is_none_or(|first| first.chars().all(legal))
        && parts.all(|part| hex(part) && part.chars().all(legal))
}

/// Names without a dot, and those of the usual private zones, are looked up in a private network.
fn is_private(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ip, _)) => ip,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => {
            let zones = [".internal", ".local", ".localhost", ".svc", ".test", ".home.arpa"];
            !name.contains('.') || zones.iter().any(|zone| name.ends_with(zone))
        }
    }
}

pub(crate) fn invalid() -> Error {
    Error::new(
        Code::Config,
        tr!("the address of the shared store is not one"),
        tr!(
            "write it as redis://, rediss://, unix://, redis+cluster://, redis+sentinel://, s3://, gs:// or az://, followed by host, path or bucket"
        ),
    )
}

fn not_encoded() -> Error {
    Error::new(
        Code::Config,
        tr!("user or password in the address of the shared store are not percent-encoded"),
        tr!(
            "write '/' as %2F, '@' as %40, '#' as %23, '?' as %3F and '%' as %25, or use store.password_file"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> String {
        Address::parse(url).map_or_else(|error| error.message().to_owned(), |address| address.place())
    }

    #[test]
    fn a_place_is_scheme_host_port_and_database() {
        for (url, shown) in [
            ("rediss://fleet:hunter2@redis.example:6379/1", "rediss://redis.example:6379/1"),
            ("unix:///run/redis.sock?pass=hunter2", "unix:///run/redis.sock"),
            ("redis+unix:/run/redis.sock", "redis+unix:///run/redis.sock"),
            ("redis+cluster://:p%40ss@a:1,b:2", "redis+cluster://a:1,b:2"),
            ("redis+sentinel://a:1,b/hunter2/3", "redis+sentinel://a:1,b/3"),
            ("redis://[::1]:6379/0?hunter2", "redis://[::1]:6379/0"),
            ("s3://bucket/hunter2/7", "s3://bucket"),
        ] {
            assert_eq!(place(url), shown, "{url}");
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_refused_and_not_shown() {
        for password in ["hun/ter2", "hun@ter2", "hun#ter2", "hun?ter2", "hun%ter2", "12/34", "hun ter2", "é"]
        {
            for url in [format!("redis://:{password}@host:6379/0"), format!("redis://user:{password}@host")] {
                let shown = place(&url);
                assert!(shown.contains("percent-encoded"), "{url}: {shown}");
            }
        }
        for url in ["hunter2", "redis:hunter2", "redis://:hunter2", "redis://hun ter2", "://x", "redis://"] {
            assert!(!place(url).contains("ter2") && Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn plain_text_over_public_networks_is_noticed() {
        let exposed = |url| Address::parse(url).unwrap().is_exposed();
        for url in ["redis://redis.example.com", "valkey://8.8.8.8:1", "redis+cluster://10.0.0.1:1,9.9.9.9:1"]
        {
            assert!(exposed(url), "{url}");
        }
        for url in ["redis://127.0.0.1", "redis://10.1.2.3:6379", "redis://redis:6379", "redis://[::1]:1/0"] {
            assert!(!exposed(url), "{url}");
        }
        for url in ["rediss://redis.example.com", "unix:///x", "redis://r.svc.cluster.local", "s3://b"] {
            assert!(!exposed(url), "{url}");
        }
    }
}
