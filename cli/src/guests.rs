//! What guests write while an app is served: lines for people on stderr, or JSON on stdout, a value for each line.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use spin_deps_project::{Output, Stream};

use crate::{
    args::Format,
    output::{self, BAD, DIM, clean, styled},
    report,
};

/// For people: each line with the name of its component, to stderr. With `quiet` only what went wrong.
pub(crate) fn shown(quiet: bool) -> Output {
    Output::new(move |line| {
        let name = styled(DIM, format!("[{}]", line.component));
        match line.stream {
            Stream::Stdout | Stream::Stderr if quiet => {}
            Stream::Stdout | Stream::Stderr => report::raw(&format!("{name} {}\n", clean(line.text))),
            Stream::Trap => report::raw(&format!("{name} {} {}\n", styled(BAD, "trap:"), clean(line.text))),
        }
    })
}

/// The lines of guests in the form that the user asked for, held back until the app is announced: who reads JSON may
/// count on what comes first.
pub(crate) struct Log {
    held: Arc<Mutex<Option<Vec<Value>>>>,
    format: Format,
}

impl Log {
    /// The log and where guests write to.
    pub(crate) fn new(format: Format, quiet: bool) -> (Self, Output) {
        let held = Arc::new(Mutex::new(Some(Vec::new())));
        if format != Format::Json {
            return (Self { held, format }, shown(quiet));
        }
        let output = Output::new({
            let held = Arc::clone(&held);
            move |line| {
                let stream = match line.stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                    Stream::Trap => "trap",
                };
                if quiet && line.stream != Stream::Trap {
                    return;
                }
                let value = json!({ "component": line.component, "stream": stream, "text": line.text });
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                match &mut *held {
                    Some(held) => held.push(value),
                    None => print(&value),
                }
            }
        });
        (Self { held, format }, output)
    }

    /// Says that the app runs, with what it serves if it does, and then what guests wrote meanwhile.
    pub(crate) fn announce(&self, serving: Option<output::Output>) {
        if self.format != Format::Json {
            if let Some(serving) = serving {
                serving.print(self.format, false);
            }
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(serving) = serving {
            print(serving.json());
        }
        for line in held.take().unwrap_or_default() {
            print(&line);
        }
    }
}

/// One line. A reader that went away is no error: the app is served on.
fn print(value: &Value) {
    let mut stdout = anstream::stdout().lock();
    let _ = stdout.write_all(format!("{value}\n").as_bytes()).and_then(|()| stdout.flush());
}
