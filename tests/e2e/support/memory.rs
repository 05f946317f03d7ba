//! How much memory a process needs at most.

use std::thread::JoinHandle;
use std::time::Duration;

/// Watches a process until it ends.
pub(crate) struct Peak(JoinHandle<u64>);

impl Peak {
    /// Watches a line of `/proc/ID/status`, as `proc(5)` describes it, of the process with this id, a thousand times a second.
    ///
    /// `VmHWM` is the peak of the resident set, which the kernel keeps itself, so that nothing is missed but the last
    /// moment; it includes the pages of the program's own file, of which a build for tests has tens of megabytes.
    /// `RssAnon` is what the process has filled itself.
    pub(crate) fn of(id: u32, line: &'static str) -> Self {
        Self(std::thread::spawn(move || {
            let mut peak = 0;
            // A process that has ended has no such line, even before anybody took notice of its end.
            while let Some(bytes) = bytes_of(id, line) {
                peak = bytes.max(peak);
                std::thread::sleep(Duration::from_millis(1));
            }
            peak
        }))
    }

    /// The most that was seen, in bytes, once the process has ended.
    pub(crate) fn bytes(self) -> u64 {
        self.0.join().expect("the thread that watches a process")
    }
}

/// What such a line says now, in bytes.
pub(crate) fn bytes_of(id: u32, line: &str) -> Option<u64> {
    let status = fs_err::read_to_string(format!("/proc/{id}/status")).ok()?;
    let value = status.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':'))?;
    let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
