//! Questions that only a person can answer, without a terminal.
//!
//! An operation that lacks an answer makes a [`Question`]: its choices, and the option that answers it. An [`Asker`] puts
//! it to somebody. Where there is [`Nobody`] the question has a default, or else it becomes the error that names the option
//! and the choices. So a script is told what a person would have been asked, in the same order, and nothing is done twice:
//! the operation waits where it is, with all that it has resolved and fetched.

use futures::future::BoxFuture;

use crate::Error;

/// What there is to choose from.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The choice as an option takes it.
    pub value: String,
    /// The choice as it is shown, with what there is to say about it; not yet fit for a terminal.
    pub label: String,
    /// Whether it is chosen already, to be confirmed.
    pub chosen: bool,
}

impl Choice {
    /// A choice that nothing is to be said about.
    pub fn plain(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { label: value.clone(), value, chosen: false }
    }
}

/// What an answer looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuestionKind {
    /// One choice.
    One,
    /// So many at least, in the order of the choices.
    Several {
        /// The least number of them.
        least: usize,
    },
    /// A place in a pipeline: the choices are what stands there already, outermost first, and the answer is the number of
    /// those that the new one comes behind.
    Place {
        /// What is given a place.
        new: String,
        /// What the pipeline leads to.
        end: String,
    },
}

/// A question, in words for a terminal and in words for a script.
#[derive(Clone, Debug)]
pub struct Question {
    /// The question.
    pub text: String,
    /// What an answer looks like.
    pub kind: QuestionKind,
    /// What there is to choose from.
    pub choices: Vec<Choice>,
    /// The answer where there is nobody to ask.
    pub default: Option<Vec<usize>>,
    /// What is missing where there is nobody to ask, and no default.
    pub missing: String,
    /// What to do about that, naming the option; the choices are listed behind it.
    pub advice: String,
}

/// An answer to come: the indices of what is chosen, or `None` if there is nobody to ask.
pub type Answering<'a> = BoxFuture<'a, Result<Option<Vec<usize>>, Error>>;

/// Who answers.
pub trait Asker: Send + Sync {
    /// Puts a question. [`Error::Interrupted`] says that somebody is there and does not want to answer.
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a>;
}

/// There is nobody to ask.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Asker for Nobody {
    fn ask<'a>(&'a self, _: &'a Question) -> Answering<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

impl Question {
    /// The answer: the only one that there is, else that of the asker, else the default.
    pub(crate) async fn answer(&self, asker: &dyn Asker) -> Result<Vec<usize>, Error> {
        let only_one = self.choices.len() == 1
            && matches!(self.kind, QuestionKind::One | QuestionKind::Several { least: 1 });
        if only_one {
            return Ok(vec![0]);
        }
        let answer = self.ask(asker).await?.or_else(|| self.default.clone());
        answer.ok_or_else(|| self.unanswered())
    }

    /// The answer of the asker, if there is somebody to ask.
    pub(crate) async fn ask(&self, asker: &dyn Asker) -> Result<Option<Vec<usize>>, Error> {
        asker.ask(self).await
    }

    /// That there is no answer, and how to give one.
    pub(crate) fn unanswered(&self) -> Error {
        let choices: Vec<_> = self.choices.iter().map(|it| format!("`{}`", it.value)).collect();
        Error::Unanswered {
            message: self.missing.clone(),
            hint: format!("{}: {}", self.advice, choices.join(", ")),
        }
    }

    /// The answer to a question for one choice.
    pub(crate) async fn answer_one(&self, asker: &dyn Asker) -> Result<usize, Error> {
        Ok(self.answer(asker).await?.first().copied().unwrap_or_default())
    }
}
