//! Load from `wrk`, and what it saw.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

/// Prints what happened in one line: requests, microseconds, the two percentiles in microseconds, and what went wrong.
const SCRIPT: &str = "done = function(summary, latency)
  local wrong = summary.errors
  io.write(string.format(\"saw %d %d %d %d %d\\n\", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout))
end
";

/// What `wrk` saw in one turn.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// Answers in a second.
    pub(super) rate: f64,
    /// Half of the answers came within so many milliseconds.
    pub(super) p50: f64,
    /// All but one in a hundred did.
    pub(super) p99: f64,
    /// Requests without an answer or with another status than 200.
    pub(super) wrong: f64,
}

/// Fails without `wrk`, and says where it is to be had.
pub(super) fn require() {
    let found = Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(
        found.is_ok(),
        "the benchmark of serving needs `wrk`: install it (on Debian `apt-get install wrk`)"
    );
}

/// Asks for `url` over so many connections, for so many seconds.
pub(super) fn ask(url: &str, connections: usize, seconds: usize) -> Seen {
    let script = tempfile::Builder::new().suffix(".lua").tempfile().expect("a temporary file");
    fs_err::write(script.path(), SCRIPT).expect("the script");
    let output = Command::new("wrk")
        .args(["-t1", "--timeout", "10s", "-c", &connections.to_string(), "-d", &format!("{seconds}s"), "-s"])
        .arg(script.path())
        .arg(url)
        .output()
        .expect("wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("saw ")).unwrap_or_else(|| {
        let mut all = text.to_string();
        let _ = write!(all, "{}", String::from_utf8_lossy(&output.stderr));
        panic!("wrk said nothing of what it saw:\n{all}")
    });
    let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
    let [requests, duration, p50, p99, wrong] = numbers[..] else { panic!("five numbers: {line}") };
    Seen { rate: requests * 1e6 / duration, p50: p50 / 1e3, p99: p99 / 1e3, wrong }
}
