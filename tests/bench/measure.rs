//! Times, their medians and ratios.

use std::time::Duration;

/// One kind of work, measured several times.
pub(crate) struct Measured {
    what: String,
    times: Vec<Duration>,
    /// Further columns of the last run, such as the number of requests.
    notes: String,
    /// The most memory that a run took, in bytes.
    peak: u64,
}

impl Measured {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), times: Vec::new(), notes: String::new(), peak: 0 }
    }

    /// Adds a run.
    pub(crate) fn add(&mut self, time: Duration) -> &mut Self {
        self.times.push(time);
        self
    }

    pub(crate) fn requests(&mut self, count: usize) {
        self.notes = format!("{count:>5} requests");
    }

    pub(crate) fn peak(&mut self, bytes: u64) {
        self.peak = self.peak.max(bytes);
    }

    pub(crate) fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort();
        times[times.len() / 2]
    }

    /// Prints a line: median, spread, how many times the median of `base` that is, and what else is known.
    pub(crate) fn print(&self, base: &Self) {
        let (least, most) = (self.times.iter().min(), self.times.iter().max());
        let ratio = self.median().as_secs_f64() / base.median().as_secs_f64();
        let memory = match self.peak {
            0 => String::new(),
            peak => format!("  {:>4} MiB at most", peak >> 20),
        };
        println!(
            "{:<46} {:>9.1} ms  ({:.1} to {:.1})  {ratio:>5.2} ×  {}{memory}",
            self.what,
            milliseconds(self.median()),
            milliseconds(least.copied().unwrap_or_default()),
            milliseconds(most.copied().unwrap_or_default()),
            self.notes,
        );
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The number after `name` on the command line.
pub(crate) fn option(name: &str) -> Option<usize> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}
