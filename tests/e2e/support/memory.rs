//! How much memory a process needs at most.

use std::thread::JoinHandle;
use std::time::Duration;

/// Watches a process until it ends.
pub(crate) struct Peak(JoinHandle<u64>);

impl Peak {
    /// Starts to watch the process with this id. The kernel keeps the peak itself, so what is missed between two looks
    /// is only what happens in the last moment.
    pub(crate) fn of(id: u32) -> Self {
        Self(std::thread::spawn(move || {
            let mut peak = 0;
            // A process that has ended has no such line, even before anybody took notice of its end.
            while let Some(bytes) = high_water(id) {
                peak = bytes.max(peak);
                std::thread::sleep(Duration::from_millis(1));
            }
            peak
        }))
    }

    /// The largest resident set, in bytes, once the process has ended.
    pub(crate) fn bytes(self) -> u64 {
        self.0.join().expect("the thread that watches a process")
    }
}

/// The line `VmHWM` of `/proc/ID/status`, as `proc(5)` describes it.
fn high_water(id: u32) -> Option<u64> {
    let status = fs_err::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
