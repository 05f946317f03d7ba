//! Child processes that cannot hang a test: output is read as it comes, every wait has a deadline, and what is still
//! alive when the handle goes is killed through that handle.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::DEADLINE;

/// Which of the two streams a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// A running process and the lines that it has written so far.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<(Stream, String)>,
    stdout: String,
    stderr: String,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts `command` with nothing on its standard input; `None` when there is no such program.
    pub(crate) fn start(command: &mut Command) -> Option<Self> {
        Self::start_reading(command, Stdio::null())
    }

    /// The same with something on its standard input.
    pub(crate) fn start_reading(command: &mut Command, input: Stdio) -> Option<Self> {
        let spawned = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("cannot start {}: {error}", command.get_program().display()),
        };
        let (sender, lines) = channel();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        for (stream, pipe) in
            [(Stream::Out, Box::new(stdout) as Box<dyn Read + Send>), (Stream::Err, Box::new(stderr))]
        {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut pipe = BufReader::new(pipe);
                let mut line = Vec::new();
                while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                    if sender.send((stream, String::from_utf8_lossy(&line).into_owned())).is_err() {
                        return;
                    }
                    line.clear();
                }
            });
        }
        Some(Self { child, lines, stdout: String::new(), stderr: String::new() })
    }

    /// Waits until `find` makes something of a line. Panics, with all that was written, when the process ends or
    /// [`DEADLINE`] passes before.
    pub(crate) fn wait_for<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((stream, line)) => {
                    let found = find(&line);
                    self.keep(stream, &line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(error) => panic!(
                    "the awaited line did not come ({error}):\n--- stdout\n{}--- stderr\n{}",
                    self.stdout, self.stderr
                ),
            }
        }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the signal of Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Sends the signal by which a supervisor asks a process to end.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill \"$1\" \"$2\"", "sh", signal, &self.child.id().to_string()])
            .status()
            .expect("a shell to send the signal with");
        assert!(sent.success(), "the process was gone before the signal");
    }

    /// Ends it at once, with the signal that cannot be handled.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        let status = self.child.wait().expect("the exit status of a child");
        assert!(!status.success(), "the process had ended before it was killed");
    }

    /// Waits for the end, at most [`DEADLINE`].
    pub(crate) fn finish(self) -> Ended {
        self.finish_within(DEADLINE)
    }

    /// Waits for the end, at most so long.
    pub(crate) fn finish_within(mut self, limit: Duration) -> Ended {
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((stream, line)) => self.keep(stream, &line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!(
                    "the process did not end in time:\n--- stdout\n{}--- stderr\n{}",
                    self.stdout, self.stderr
                ),
            }
        }
        // Both pipes are at their end, so that only the exit itself is left to wait for.
        let status = self.child.wait().expect("the exit status of a child");
        Ended { status, stdout: std::mem::take(&mut self.stdout), stderr: std::mem::take(&mut self.stderr) }
    }

    fn keep(&mut self, stream: Stream, line: &str) {
        match stream {
            Stream::Out => self.stdout.push_str(line),
            Stream::Err => self.stderr.push_str(line),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
