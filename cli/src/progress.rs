//! Bars and spinners, on stderr and only in a terminal.
//!
//! What is done at once needs none: a bar appears when its task has gone on for half a second, and is wiped away when the
//! task ends. One thread looks after those that are not there yet; all wait equally long, so they come in order.
//! Whatever else goes to stderr goes through [`pause`], so that no line is written into a bar.

use std::{
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use spin_deps_project::{NoProgress, Progress, ProgressTask};

use crate::{
    charset::{self, Charset},
    output::clean_line,
};

/// How long something may take before it is shown.
const DELAY: Duration = Duration::from_millis(500);
/// How often a bar is drawn.
const TICK: Duration = Duration::from_millis(100);
/// The longest name that a bar shows, in characters.
const SHOWN_NAME: usize = 40;

/// The place on the screen for all bars. It hides itself where stderr is not a terminal.
static SCREEN: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Does something to the screen while the bars are out of the way.
pub(crate) fn pause<T>(work: impl FnOnce() -> T) -> T {
    SCREEN.suspend(work)
}

/// The bars of one run.
pub(crate) struct Bars(Mutex<Sender<Waiting>>);

/// A bar that is not shown yet.
struct Waiting {
    due: Instant,
    bar: Arc<Bar>,
}

/// A bar, and whether its task has ended.
struct Bar {
    bar: ProgressBar,
    ended: Mutex<bool>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        let (sender, waiting) = channel();
        // Without a thread there are no bars, which is no reason to stop.
        let _ = std::thread::Builder::new().name("progress".to_owned()).spawn(move || show(&waiting));
        Self(Mutex::new(sender))
    }
}

/// Shows each bar when its time has come, if its task still goes on.
fn show(waiting: &Receiver<Waiting>) {
    for Waiting { due, bar } in waiting {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let ended = lock(&bar.ended);
        if !*ended {
            SCREEN.add(bar.bar.clone());
            bar.bar.enable_steady_tick(TICK);
        }
    }
}

fn lock(ended: &Mutex<bool>) -> MutexGuard<'_, bool> {
    ended.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a bar looks. A name takes no more than its share of the line.
fn style(is_transfer: bool) -> Option<ProgressStyle> {
    let (bar, ticks) = match charset::current() {
        Charset::Utf8 => ("━╸─", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "),
        Charset::Ascii => ("=> ", "|/-\\ "),
    };
    let template =
        if is_transfer { "{spinner} {msg} {wide_bar} {bytes}/{total_bytes}" } else { "{spinner} {wide_msg}" };
    Some(ProgressStyle::with_template(template).ok()?.progress_chars(bar).tick_chars(ticks))
}

impl Progress for Bars {
    fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn ProgressTask> {
        if SCREEN.is_hidden() {
            return Box::new(NoProgress);
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Some(style) = style(total.is_some()) {
            bar.set_style(style);
        }
        bar.set_message(clean_line(what).chars().take(SHOWN_NAME).collect::<String>());
        let bar = Arc::new(Bar { bar, ended: Mutex::new(false) });
        let waiting = Waiting { due: Instant::now() + DELAY, bar: Arc::clone(&bar) };
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(waiting);
        Box::new(Task(bar))
    }
}

struct Task(Arc<Bar>);

impl ProgressTask for Task {
    fn advance(&mut self, bytes: u64) {
        self.0.bar.inc(bytes);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        *lock(&self.0.ended) = true;
        self.0.bar.finish_and_clear();
    }
}
