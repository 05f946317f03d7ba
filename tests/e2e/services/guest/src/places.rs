//! Other places: sockets of both generations, and requests.

use crate::{say, wasi, wit_future};

/// Connects to a port of this machine.
pub async fn sockets(port: &str) {
    let port = port.parse().expect("a port");
    say("sockets 0.2", p2(port));
    say("sockets 0.3", p3(port).await);
    let addresses = wasi::sockets0_3_0::ip_name_lookup::resolve_addresses("127.0.0.1".into()).await;
    say("name", addresses.map(|addresses| addresses.len()));
}

fn p2(port: u16) -> Result<(), wasi::sockets0_2_0::network::ErrorCode> {
    use wasi::sockets0_2_0::{
        instance_network::instance_network,
        network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress},
        tcp_create_socket::create_tcp_socket,
    };
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) });
    socket.start_connect(&instance_network(), address)?;
    socket.subscribe().block();
    socket.finish_connect().map(|_| ())
}

async fn p3(port: u16) -> Result<(), wasi::sockets0_3_0::types::ErrorCode> {
    use wasi::sockets0_3_0::types::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket};
    let socket = TcpSocket::create(IpAddressFamily::Ipv4)?;
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) });
    socket.connect(address).await
}

/// Asks `http://HOST/PATH`.
pub async fn http(host: &str, path: &str) -> Result<(u16, String), wasi::http::types::ErrorCode> {
    use wasi::http::{
        client,
        types::{Fields, Request, Response, Scheme},
    };
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), None, trailers, None);
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(host)).expect("a host");
    request.set_path_with_query(Some(path)).expect("a path");
    let response = client::send(request).await?;
    let status = response.get_status_code();
    let (_, result) = wit_future::new(|| Ok(()));
    let (body, _) = Response::consume_body(response, result);
    Ok((status, crate::text(body.collect().await)))
}
