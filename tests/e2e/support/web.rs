//! A web server that answers as a test wants, with any status and header, and keeps what it was asked.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Page {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A redirect to `url`.
    pub(crate) fn redirect(url: impl Into<String>) -> Self {
        Self::new(302, "").header("location", url)
    }

    /// What a network gives guests who have not logged in.
    pub(crate) fn login_page() -> Self {
        let body = "<!DOCTYPE html>\n<html><title>Welcome</title>Please log in to the guest network</html>";
        Self::new(200, body).header("content-type", "text/html; charset=utf-8")
    }
}

/// Serves until the test ends: its thread waits for connections and holds nothing that outlives the process.
pub(crate) struct WebServer {
    scheme: &'static str,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl WebServer {
    /// Answers each request by what `answer` makes of its path and query.
    pub(crate) fn start(answer: impl Fn(&str) -> Page + Send + 'static) -> Self {
        Self::listen("http", move |socket, seen| serve(socket, &answer, seen))
    }

    /// The same over TLS, with a certificate for 127.0.0.1 that it writes into a file.
    pub(crate) fn start_secure(certificate: &Path, answer: impl Fn(&str) -> Page + Send + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        fs_err::write(certificate, made.cert.pem()).expect("the certificate's file");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's protocols")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key);
        let config = Arc::new(config.expect("both fit"));
        Self::listen("https", move |socket, seen| {
            let connection = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
            let mut stream = StreamOwned::new(connection, socket);
            serve(&mut stream, &answer, seen)?;
            stream.conn.send_close_notify();
            stream.flush()
        })
    }

    fn listen(
        scheme: &'static str,
        serve: impl Fn(TcpStream, &Mutex<Vec<String>>) -> std::io::Result<()> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("the address of a bound socket");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                // A client that goes away is not this server's concern.
                let _ = serve(socket, &seen);
            }
        });
        Self { scheme, address, asked }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The URL of `path`, which begins with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The head of each request so far: its first line and its headers, in lower case.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics with the lock").clone()
    }
}

fn serve(
    mut stream: impl Read + Write,
    answer: &impl Fn(&str) -> Page,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let mut head = String::new();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        head.push_str(&line);
        head.push('\n');
    }
    let page = answer(head.split(' ').nth(1).unwrap_or_default());
    seen.lock().expect("nobody panics with the lock").push(head.to_lowercase());
    let mut text = format!("HTTP/1.1 {} -\r\nconnection: close\r\n", page.status);
    for (name, value) in &page.headers {
        write!(text, "{name}: {value}\r\n").expect("a String takes everything");
    }
    // A test may announce another length.
    if !page.headers.iter().any(|(name, _)| name == "content-length") {
        write!(text, "content-length: {}\r\n", page.body.len()).expect("a String takes everything");
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes())?;
    stream.write_all(&page.body)
}
