//! A pseudo-terminal with a program in it: what a person sees, and a keyboard.
//!
//! Nothing is typed before the program is ready for it: [`Terminal::wait_for`] waits for a text on the screen, and
//! [`Terminal::wait_until_hidden`] until typing is no longer shown, which is when a question for a secret begins to read.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::DEADLINE;

/// The running program and its terminal.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    /// Keeps the terminal open after the program has ended, so that its settings can be looked at.
    line: OwnedFd,
    output: Receiver<Vec<u8>>,
    screen: String,
    /// How much of the screen has been waited for.
    seen: usize,
}

impl Terminal {
    /// Starts `command` with all three streams on the terminal.
    pub(crate) fn start(command: &mut Command) -> Self {
        let pair = openpty(None, None).expect("a pseudo-terminal");
        let stream = || Stdio::from(pair.slave.try_clone().expect("the terminal once more"));
        let child = command.env("TERM", "xterm").stdin(stream()).stdout(stream()).stderr(stream()).spawn();
        let child = child.expect("the binary that cargo built for this test");
        let mut master = File::from(pair.master.try_clone().expect("the terminal's other end"));
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error says that nobody holds the terminal any more.
            while let Ok(read @ 1..) = master.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard: pair.master.into(), line: pair.slave, output, screen: String::new(), seen: 0 }
    }

    /// Waits for `text` to appear after what was waited for before.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("`{text}` did not appear ({error}):\n{}", self.screen),
            }
        }
    }

    /// Waits until what is typed is no longer shown.
    #[track_caller]
    pub(crate) fn wait_until_hidden(&self) {
        let deadline = Instant::now() + DEADLINE;
        while self.shows_typing() {
            assert!(Instant::now() < deadline, "typing stays visible:\n{}", self.screen);
            // There is no event for it.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether the terminal shows what is typed.
    pub(crate) fn shows_typing(&self) -> bool {
        let settings = tcgetattr(&self.line).expect("the terminal's settings");
        settings.local_flags.contains(LocalFlags::ECHO)
    }

    /// Types a text.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal's keyboard");
    }

    /// Sends the signal of Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let sent = Command::new("sh")
            .args(["-c", "kill -INT \"$1\"", "sh", &self.child.id().to_string()])
            .status()
            .expect("a shell to send the signal with");
        assert!(sent.success(), "the program was gone before the signal");
    }

    /// Waits for the program's end; gives its exit code, all that was on the screen, and whether the terminal shows
    /// typing again.
    pub(crate) fn finish(mut self) -> (Option<i32>, String, bool) {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the exit status of a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "the program did not end in time:\n{}", self.screen);
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(1)) {
                self.screen.push_str(&String::from_utf8_lossy(&bytes));
            }
        };
        // What it wrote last may still be on its way through the terminal, which this mark ends.
        let mark = "[end of the screen]";
        File::from(self.line.try_clone().expect("the terminal once more"))
            .write_all(mark.as_bytes())
            .expect("a line of the terminal");
        self.wait_for(mark);
        let screen = self.screen.replace(mark, "");
        let shows_typing = self.shows_typing();
        (status.code(), screen, shows_typing)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only for a program that has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
