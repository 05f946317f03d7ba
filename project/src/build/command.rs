//! One command of a build: a shell in a process group of its own, whose lines go out as they come.

use std::{ffi::OsStr, io, path::Path, process::ExitStatus, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

use super::{BuildEvent, BuildOutput};
use crate::Error;

/// How much of a command's output is kept for its error, in bytes: the end of it, where errors are.
const KEPT: usize = 64 * 1024;
/// The longest line that is kept together, in bytes.
const LONGEST_LINE: usize = 16 * 1024;
/// How long to wait for the end of the output when the command has ended. It is there at once, unless something that
/// the command left running holds on to it.
const AFTERMATH: Duration = Duration::from_millis(500);
/// What a shell ends with when it does not find a program.
const NOT_FOUND: i32 = 127;

/// Runs a command to its end.
pub(super) async fn run(
    component: &str,
    command: &str,
    directory: &Path,
    search_path: &OsStr,
    output: &BuildOutput,
) -> Result<(), Error> {
    let mut shell = shell(command);
    shell.current_dir(directory).env("PATH", search_path);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    shell.process_group(0);
    let mut running = Running { child: shell.spawn()? };
    let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
    let mut lines = Lines { component, output, kept: Vec::new() };
    // It holds the buffers of both streams.
    let status = Box::pin(follow(&mut running, stdout, stderr, &mut lines)).await?;
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&lines.kept).into_owned();
    Err(Error::BuildFailed {
        component: component.into(),
        command: command.into(),
        status: status_in_words(status).into(),
        missing: (status.code() == Some(NOT_FOUND)).then(|| not_found(&text)).flatten().map(Into::into),
        output: if output.is_shown() { "".into() } else { text.trim_end().into() },
    })
}

/// The shell that Spin takes.
fn shell(command: &str) -> Command {
    let (program, option) = if cfg!(windows) { ("cmd.exe", "/c") } else { ("sh", "-c") };
    let mut shell = Command::new(program);
    shell.args([option, command]);
    shell
}

/// A command under way. Dropped before its end, it is ended with all that it started.
struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // There is an id until the end was waited for, so it can be nobody else's.
        #[cfg(unix)]
        if let Some(group) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It fails when all of the group have ended, which is what is wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
    }
}

/// Hands on both streams until the command and they are at their end.
async fn follow(
    running: &mut Running,
    stdout: Option<impl AsyncRead + Unpin>,
    stderr: Option<impl AsyncRead + Unpin>,
    lines: &mut Lines<'_>,
) -> io::Result<ExitStatus> {
    let (mut stdout, mut stderr) = (Pipe::new(stdout), Pipe::new(stderr));
    let mut status = None;
    while status.is_none() || stdout.is_open() || stderr.is_open() {
        let ended = status.is_some();
        tokio::select! {
            text = stdout.line(), if stdout.is_open() => lines.take(text?),
            text = stderr.line(), if stderr.is_open() => lines.take(text?),
            end = running.child.wait(), if !ended => status = Some(end?),
            () = tokio::time::sleep(AFTERMATH), if ended => break,
        }
    }
    for unfinished in [stdout.unfinished, stderr.unfinished] {
        lines.take((!unfinished.is_empty()).then_some(unfinished));
    }
    status.ok_or_else(|| io::Error::other("the command has no status"))
}

/// One stream of a command.
struct Pipe<R> {
    /// `None` at its end.
    reader: Option<R>,
    unfinished: Vec<u8>,
    /// What was read and not handed on, in reverse.
    ready: Vec<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(reader: Option<R>) -> Self {
        Self { reader, unfinished: Vec::new(), ready: Vec::new() }
    }

    fn is_open(&self) -> bool {
        self.reader.is_some() || !self.ready.is_empty()
    }

    /// The next line; nothing if there was none in what came, or at the end. Nothing is lost when this is dropped.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ready.pop() {
            return Ok(Some(line));
        }
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let mut buffer = [0; 8 * 1024];
        let count = reader.read(&mut buffer).await?;
        if count == 0 {
            self.reader = None;
            return Ok(None);
        }
        for &byte in buffer.get(..count).unwrap_or_default() {
            if byte != b'\n' {
                self.unfinished.push(byte);
            }
            if byte == b'\n' || self.unfinished.len() >= LONGEST_LINE {
                self.ready.push(std::mem::take(&mut self.unfinished));
            }
        }
        self.ready.reverse();
        Ok(self.ready.pop())
    }
}

/// What a command printed so far.
struct Lines<'a> {
    component: &'a str,
    output: &'a BuildOutput,
    kept: Vec<u8>,
}

impl Lines<'_> {
    fn take(&mut self, line: Option<Vec<u8>>) {
        let Some(line) = line else { return };
        let text = String::from_utf8_lossy(&line);
        // Of a line that draws itself anew, as a progress bar does, the last state.
        let text = text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
        self.output.event(BuildEvent::Line { component: self.component, text });
        self.kept.extend(text.as_bytes());
        self.kept.push(b'\n');
        if self.kept.len() > 2 * KEPT {
            self.kept.drain(..self.kept.len() - KEPT);
        }
    }
}

/// How a command ended.
fn status_in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    match status.code() {
        Some(code) => format!("status {code}"),
        None => "no status".to_owned(),
    }
}

/// The program that a shell did not find, from its message: `sh: 1: zig: not found`, `sh: zig: command not found`.
fn not_found(output: &str) -> Option<String> {
    let line = output.lines().rev().find(|line| line.ends_with("not found"))?;
    let program = line.trim_end_matches("not found").trim_end().trim_end_matches("command").trim_end();
    let program = program.strip_suffix(':')?.rsplit([':', ' ']).next()?;
    (!program.is_empty()).then(|| program.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_program_is_found_in_the_words_of_shells() {
        let found = |text: &str| not_found(text);
        assert_eq!(found("a\nsh: 1: zig: not found\n").as_deref(), Some("zig"));
        assert_eq!(
            found("bash: line 1: componentize-py: command not found").as_deref(),
            Some("componentize-py")
        );
        assert_eq!(found("sh: ./tools/make it.sh: not found").as_deref(), Some("it.sh"));
        assert_eq!(found("error: the page was not found"), None);
        assert_eq!(found(""), None);
    }

    #[tokio::test]
    async fn lines_come_whole_and_the_last_without_its_end() {
        let text: &[u8] = b"one\r\n10%\r100%\ntwo";
        let mut pipe = Pipe::new(Some(text));
        let mut lines = Lines { component: "c", output: &BuildOutput::default(), kept: Vec::new() };
        while pipe.is_open() {
            lines.take(pipe.line().await.unwrap());
        }
        lines.take(Some(std::mem::take(&mut pipe.unfinished)));
        assert_eq!(lines.kept, b"one\n100%\ntwo\n");
    }
}
