//! Sockets, limited by the same entries as requests.
//!
//! A socket has an address and no scheme, so that, as in Spin, only an entry with `*` as its scheme speaks of it, such as
//! `*://127.0.0.1:6379`. A guest connects and sends to such addresses, from any local port; it does not listen. Names are
//! looked up for a guest that has such an entry.

use std::{net::SocketAddr, sync::Arc};

use wasmtime_wasi::{WasiCtxBuilder, sockets::SocketAddrUse};

use crate::outbound::AllowedHost;

pub(crate) fn allow(wasi: &mut WasiCtxBuilder, allowed: &Arc<[AllowedHost]>) {
    let any = allowed.iter().any(AllowedHost::allows_sockets);
    wasi.allow_tcp(any).allow_udp(any).allow_ip_name_lookup(any);
    if any {
        let allowed = Arc::clone(allowed);
        wasi.socket_addr_check(move |address, purpose| {
            let fits = fits(&allowed, address, purpose);
            Box::pin(async move { fits })
        });
    }
}

fn fits(allowed: &[AllowedHost], address: SocketAddr, purpose: SocketAddrUse) -> bool {
    match purpose {
        SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
            allowed.iter().any(|entry| entry.allows_address(address))
        }
        // What a connection does first, at whichever port is free.
        SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
            address.port() == 0 && address.ip().is_unspecified()
        }
        SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_entries_for_any_scheme_are_reached() {
        let allowed: Vec<_> =
            ["*://127.0.0.1:6379", "http://127.0.0.2:80", "*://10.0.0.0/8:1..9", "*://[::1]:*"]
                .map(|entry| AllowedHost::parse(entry).unwrap())
                .into();
        let reaches = |address: &str| fits(&allowed, address.parse().unwrap(), SocketAddrUse::TcpConnect);
        for address in ["127.0.0.1:6379", "10.200.0.1:8", "[::1]:1", "[::ffff:127.0.0.1]:6379"] {
            assert!(reaches(address), "{address}");
        }
        for address in ["127.0.0.1:6380", "127.0.0.2:80", "10.0.0.1:9", "11.0.0.1:8", "[::2]:1"] {
            assert!(!reaches(address), "{address}");
        }
        let bind = |address: &str| fits(&allowed, address.parse().unwrap(), SocketAddrUse::TcpBind);
        assert!(bind("0.0.0.0:0") && bind("[::]:0"));
        assert!(!bind("0.0.0.0:80") && !bind("127.0.0.1:6379"));
        assert!(!fits(&allowed, "127.0.0.1:6379".parse().unwrap(), SocketAddrUse::TcpListen));
    }
}
