//! Where the words of guests go: their standard output and error, and the reason when they trap.
//!
//! Guests write in pieces of any size, and several of them at once. So each stream of each instance collects its
//! own line, and only whole lines go out; a line without end goes out in parts.

use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// The longest line that is kept together, in bytes.
const LONGEST_LINE: usize = 16 * 1024;

/// Which of its streams a guest wrote to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// None: the guest trapped or was stopped, and this is why.
    Trap,
}

/// A line from a guest, without its end. Control characters are as the guest wrote them.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The component's id.
    pub component: &'a str,
    /// The stream.
    pub stream: Stream,
    /// The text; what is not UTF-8 is replaced.
    pub text: &'a str,
}

/// Takes the lines of guests. Called from the threads that run them, so it should not block for long.
#[derive(Clone)]
pub struct Output(Arc<dyn Fn(Line<'_>) + Send + Sync>);

impl Output {
    /// An output that calls `take` for every line.
    pub fn new(take: impl Fn(Line<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    pub(crate) fn line(&self, component: &str, stream: Stream, text: &str) {
        (self.0)(Line { component, stream, text });
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new(|Line { component, stream, text }| match stream {
            Stream::Stdout => tracing::info!(component, "{text}"),
            Stream::Stderr => tracing::warn!(component, "{text}"),
            Stream::Trap => tracing::error!(component, "{text}"),
        })
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

/// One stream of one instance.
#[derive(Clone)]
pub(crate) struct GuestStream(Arc<Unfinished>);

struct Unfinished {
    output: Output,
    component: Arc<str>,
    stream: Stream,
    line: Mutex<Vec<u8>>,
}

impl GuestStream {
    pub(crate) fn new(output: &Output, component: &Arc<str>, stream: Stream) -> Self {
        let (output, component) = (output.clone(), Arc::clone(component));
        Self(Arc::new(Unfinished { output, component, stream, line: Mutex::new(Vec::new()) }))
    }
}

impl Unfinished {
    fn write(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(LONGEST_LINE) {
                line.extend_from_slice(part);
                if line.ends_with(b"\n") || line.len() >= LONGEST_LINE {
                    self.send(&mut line);
                }
            }
        }
    }

    fn send(&self, line: &mut Vec<u8>) {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        self.output.line(&self.component, self.stream, &String::from_utf8_lossy(text));
        line.clear();
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut line = std::mem::take(self.line.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !line.is_empty() {
            self.send(&mut line);
        }
    }
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_out_whole_and_the_last_one_at_the_end() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let output = Output::new({
            let lines = Arc::clone(&lines);
            move |line| {
                lines.lock().unwrap().push(format!("{}: {}", line.component, line.text));
            }
        });
        let stream = GuestStream::new(&output, &Arc::from("web"), Stream::Stdout);
        stream.0.write(b"one\ntw");
        stream.0.write(b"o\r\n\nth\xffree");
        assert_eq!(*lines.lock().unwrap(), ["web: one", "web: two", "web: "]);
        drop(stream);
        assert_eq!(lines.lock().unwrap().last().unwrap(), "web: th\u{fffd}ree");
    }

    #[test]
    fn a_line_without_end_goes_out_in_parts() {
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let output = Output::new({
            let sizes = Arc::clone(&sizes);
            move |line| sizes.lock().unwrap().push(line.text.len())
        });
        let stream = GuestStream::new(&output, &Arc::from("web"), Stream::Stderr);
        stream.0.write(&vec![b'x'; 2 * LONGEST_LINE + 5]);
        drop(stream);
        assert_eq!(*sizes.lock().unwrap(), [LONGEST_LINE, LONGEST_LINE, 5]);
    }
}
