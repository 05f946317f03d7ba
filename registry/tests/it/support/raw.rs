//! A server below HTTP: for answers that no HTTP library would send.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server does next on a connection. After the last step it closes it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Bytes),
    /// Byte by byte, a hundred a second.
    Trickle(Bytes),
    /// Over and over, until the client has enough.
    Endlessly(Bytes),
    /// Says nothing more, but stays.
    Silence,
    Reset,
}

impl Step {
    pub(crate) fn send(bytes: impl Into<Bytes>) -> Self {
        Self::Send(bytes.into())
    }
}

/// An answer whose length need not be that of its body. What there is of the body is sent to its last byte before
/// the connection is closed.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    head: String,
    body: Bytes,
    length: usize,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { head: format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n"), length: body.len(), body }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// Promises another length than the body has.
    pub(crate) fn promising(mut self, length: usize) -> Self {
        self.length = length;
        self
    }

    pub(crate) fn steps(self) -> Vec<Step> {
        vec![
            Step::send(format!("{}content-length: {}\r\n\r\n", self.head, self.length)),
            Step::Send(self.body),
        ]
    }
}

/// The head of a request.
#[derive(Clone, Debug)]
pub(crate) struct Head(String);

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Path and query.
    pub(crate) fn path(&self) -> &str {
        self.0.split(' ').nth(1).unwrap()
    }
}

/// A running server; one request a connection.
pub(crate) struct RawServer {
    address: String,
    asked: Arc<Mutex<Vec<Head>>>,
    task: tokio::task::JoinHandle<()>,
}

impl RawServer {
    /// A server that answers each request by `script`.
    pub(crate) async fn start(script: impl Fn(&Head) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<Head>>> = Arc::default();
        let (seen, script) = (Arc::clone(&asked), Arc::new(script));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                tokio::spawn(async move { serve(stream, &seen, script.as_ref()).await });
            }
        });
        Self { address, asked, task }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Vec<Head> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends, also with an error, when the client is gone.
async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Head>>,
    script: &(impl Fn(&Head) -> Vec<Step> + Sync),
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = Head(String::from_utf8(head).unwrap());
    seen.lock().unwrap().push(head.clone());
    for step in script(&head) {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await.ok()?,
            Step::Trickle(bytes) => {
                for byte in bytes {
                    stream.write_u8(byte).await.ok()?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            Step::Endlessly(bytes) => loop {
                stream.write_all(&bytes).await.ok()?;
            },
            Step::Silence => {
                // Until the client goes away.
                stream.read_u8().await.ok()?;
            }
            Step::Reset => stream.set_zero_linger().unwrap(),
        }
    }
    stream.shutdown().await.ok()
}
