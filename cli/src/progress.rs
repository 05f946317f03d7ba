//! Progress bars for downloads, on stderr and only in a terminal.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use spin_deps_project::{Progress, ProgressTask};

/// How often a bar is drawn.
const TICK: Duration = Duration::from_millis(100);
/// The longest name that a bar shows, in characters.
const SHOWN_NAME: usize = 40;

/// The bars of one run.
pub(crate) struct Bars(MultiProgress);

impl Bars {
    pub(crate) fn new() -> Self {
        // The draw target hides itself where stderr is not a terminal.
        Self(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }
}

impl Progress for Bars {
    fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn ProgressTask> {
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{msg:40} {bar:30} {bytes}/{total_bytes}"),
            None => (ProgressBar::new_spinner(), "{msg:40} {spinner}"),
        };
        let bar = self.0.add(bar);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        let name: String = crate::output::clean(what).chars().take(SHOWN_NAME).collect();
        bar.set_message(name);
        bar.enable_steady_tick(TICK);
        Box::new(Bar(bar))
    }
}

struct Bar(ProgressBar);

impl ProgressTask for Bar {
    fn advance(&mut self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
