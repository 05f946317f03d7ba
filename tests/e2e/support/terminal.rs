//! A pseudo-terminal with a program in it: what a person sees, and a keyboard.
//!
//! Nothing is typed before the program is ready for it: [`Terminal::wait_for`] waits for a text on its way to the screen,
//! [`Terminal::wait_until_shown`] for what stands there after all that moved and cleared, and
//! [`Terminal::wait_until_hidden`] until typing is no longer shown, which is when a question begins to read keys.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::DEADLINE;

/// The terminal's size, in lines and columns.
const SIZE: (u16, u16) = (40, 100);

/// A key that is no letter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Up,
    Down,
    Space,
    Enter,
    Escape,
    /// The key itself, and not the signal that [`Terminal::interrupt`] sends.
    CtrlC,
}

impl Key {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Up => b"\x1b[A",
            Self::Down => b"\x1b[B",
            Self::Space => b" ",
            Self::Enter => b"\r",
            Self::Escape => b"\x1b",
            Self::CtrlC => b"\x03",
        }
    }
}

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
    /// What stands on the screen, as a terminal shows it.
    shown: vt100::Parser,
}

impl Terminal {
    /// Starts `command` with all three streams on the terminal.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_sized(command, SIZE.1)
    }

    /// The same in a terminal of so many columns.
    pub(crate) fn start_sized(command: &mut Command, columns: u16) -> Self {
        let size = Winsize { ws_row: SIZE.0, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).expect("a pseudo-terminal");
        let stream = || Stdio::from(pair.slave.try_clone().expect("the terminal once more"));
        if !command.get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm");
        }
        let child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn();
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
        let shown = vt100::Parser::new(SIZE.0, columns, 0);
        let (keyboard, line) = (pair.master.into(), pair.slave);
        Self { child, keyboard, line, output, screen: String::new(), seen: 0, shown }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.push_str(&String::from_utf8_lossy(bytes));
        self.shown.process(bytes);
    }

    /// The screen itself, with its colours.
    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.shown.screen()
    }

    /// What stands on the screen now.
    pub(crate) fn shown(&self) -> String {
        self.shown.screen().contents()
    }

    /// Waits until `text` stands on the screen; gives all that does.
    #[track_caller]
    pub(crate) fn wait_until_shown(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        while !self.shown().contains(text) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!("`{text}` is not shown ({error}):\n{}", self.shown()),
            }
        }
        // A list is drawn line by line, and then a key is waited for.
        self.wait_until_hidden();
        self.catch_up();
        self.shown()
    }

    /// Waits for all that was written before.
    #[track_caller]
    fn catch_up(&mut self) {
        // A title: it is not seen, and comes behind what is on its way through the terminal.
        let mark = "\x1b]2;mark\x07";
        File::from(self.line.try_clone().expect("the terminal once more"))
            .write_all(mark.as_bytes())
            .expect("a line of the terminal");
        self.wait_for(mark);
        self.screen = self.screen.replace(mark, "");
        self.seen = self.screen.len();
    }

    /// Presses a key, when the program waits for one.
    #[track_caller]
    pub(crate) fn press(&mut self, key: Key) {
        self.wait_until_hidden();
        self.keyboard.write_all(key.bytes()).expect("the terminal's keyboard");
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
                Ok(bytes) => self.take(&bytes),
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
        let code = self.end();
        (code, self.screen.clone(), self.shows_typing())
    }

    /// The same with what stands on the screen in the end.
    pub(crate) fn finish_shown(mut self) -> (Option<i32>, String, bool) {
        let code = self.end();
        let has_cursor = !self.shown.screen().hide_cursor();
        (code, self.shown(), self.shows_typing() && has_cursor)
    }

    fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the exit status of a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "the program did not end in time:\n{}", self.screen);
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(1)) {
                self.take(&bytes);
            }
        };
        self.catch_up();
        status.code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only for a program that has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
