//! How many connections (or handshakes) go on with each network: an IPv4 address, or the /64 that one IPv6 subscriber has.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The counts. As many rows as there are connections, at most.
#[derive(Debug, Default)]
pub(crate) struct Origins(BTreeMap<IpAddr, usize>);

impl Origins {
    /// Those that go on with the network of `remote`.
    pub(crate) fn ongoing(&self, remote: SocketAddr) -> usize {
        self.0.get(&network(remote)).copied().unwrap_or_default()
    }

    /// One begins.
    pub(crate) fn begun(&mut self, remote: SocketAddr) {
        *self.0.entry(network(remote)).or_default() += 1;
    }

    /// One ended.
    pub(crate) fn ended(&mut self, remote: SocketAddr) {
        let network = network(remote);
        if let Some(count) = self.0.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&network);
            }
        }
    }
}

fn network(remote: SocketAddr) -> IpAddr {
    match remote.ip().to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_subscriber_is_one_network_whatever_its_port_and_its_form() {
        let mut origins = Origins::default();
        let of = |text: &str| text.parse::<SocketAddr>().unwrap();
        origins.begun(of("192.0.2.1:1"));
        origins.begun(of("[::ffff:192.0.2.1]:2"));
        origins.begun(of("[2001:db8::1]:1"));
        origins.begun(of("[2001:db8::ffff:2]:1"));
        assert_eq!(origins.ongoing(of("192.0.2.1:9")), 2);
        assert_eq!(origins.ongoing(of("192.0.2.2:1")), 0);
        assert_eq!(origins.ongoing(of("[2001:db8::3]:1")), 2);
        assert_eq!(origins.ongoing(of("[2001:db8:0:1::3]:1")), 0);
        origins.ended(of("192.0.2.1:1"));
        origins.ended(of("192.0.2.1:2"));
        origins.ended(of("192.0.2.1:3"));
        assert_eq!(origins.ongoing(of("192.0.2.1:9")), 0);
        assert_eq!(origins.0.len(), 1);
    }
}
