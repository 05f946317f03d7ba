//! Questions to the user, in a terminal only.
//!
//! Everything that is asked here has an option that answers it, so that scripts are never asked: whoever calls this has
//! looked at [`is_possible`] first, or gives the question to [`asker`], which answers where nobody can. A question that
//! Ctrl-C or Escape ends leaves the terminal as it was; the thread that still waits for the answer is not waited for.

mod choice;
mod place;

use std::io::{self, IsTerminal as _};

use dialoguer::{Confirm, Input, Password};
use spin_deps_project::{Answering, Asker, Error, Nobody, Question, QuestionKind, Secret};
use tokio::sync::oneshot;

use crate::{args::Format, commands::Context};

/// Whether there is somebody to ask.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whoever is there to be asked.
pub(crate) fn asker(context: &Context) -> Box<dyn Asker> {
    if is_possible() && context.format == Format::Human { Box::new(Person) } else { Box::new(Nobody) }
}

/// Asks for a line of text.
pub(crate) async fn line(question: String) -> io::Result<String> {
    ask(move || Input::new().with_prompt(question).interact_text()).await
}

/// Asks for a secret, which is not shown as it is typed.
pub(crate) async fn secret(question: String) -> io::Result<Secret> {
    ask(move || Password::new().with_prompt(question).interact().map(Secret::new)).await
}

/// Asks for yes or no; Enter alone is no.
pub(crate) async fn confirm(question: String) -> io::Result<bool> {
    ask(move || answered(Confirm::new().with_prompt(question).default(false).interact_opt()?)).await
}

/// Somebody at the terminal.
struct Person;

impl Asker for Person {
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a> {
        Box::pin(async {
            let question = question.clone();
            let answer = ask(move || match &question.kind {
                QuestionKind::One => choice::one(&question),
                QuestionKind::Several { least } => choice::several(&question, *least),
                QuestionKind::Place { new, end } => place::place(&question, new, end),
            });
            match answer.await {
                Ok(answer) => Ok(Some(answer)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Error::Interrupted),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// An answer, unless Escape was pressed, which is another way to say Ctrl-C.
fn answered<T>(answer: Option<T>) -> dialoguer::Result<T> {
    answer.ok_or_else(|| io::Error::from(io::ErrorKind::Interrupted).into())
}

async fn ask<T: Send + 'static>(
    question: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> io::Result<T> {
    let _restore = Restore::new();
    let (answered, answer) = oneshot::channel();
    // Not one of the runtime's threads: those are waited for at the end, and this may wait for a key for ever.
    std::thread::spawn(move || answered.send(question()));
    match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(dialoguer::Error::IO(error))) => Err(error),
        Err(_) => Err(io::Error::other("the question was not answered")),
    }
}

/// Gives the terminal its settings back, however the question ends: typing is seen again, and so is the cursor.
struct Restore {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Restore {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            // The terminal may be gone by now.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, settings);
        }
        let _ = dialoguer::console::Term::stderr().show_cursor();
    }
}
