//! A web server with one file, for what is fetched from a URL and not from a registry.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Serves until the test ends: its thread waits for connections and holds nothing that outlives the process.
pub(crate) struct FileServer {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    body: Mutex<Vec<u8>>,
    requests: AtomicUsize,
}

impl FileServer {
    /// Answers every request with `body`.
    pub(crate) fn start(body: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("the address of a bound socket");
        let state = Arc::new(State { body: Mutex::new(body.to_vec()), requests: AtomicUsize::new(0) });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                // A client that goes away is not this server's concern.
                let _ = answer(&socket, &shared);
            }
        });
        Self { address, state }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The URL of the file by the name `name`.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Puts another file in its place.
    pub(crate) fn replace(&self, body: &[u8]) {
        *self.state.body.lock().expect("nobody panics with the lock") = body.to_vec();
    }

    /// How many requests came so far.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

fn answer(mut socket: &TcpStream, state: &State) -> std::io::Result<()> {
    let mut lines = BufReader::new(socket).lines();
    while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
    state.requests.fetch_add(1, Ordering::SeqCst);
    let body = state.body.lock().expect("nobody panics with the lock").clone();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes())?;
    socket.write_all(&body)
}
