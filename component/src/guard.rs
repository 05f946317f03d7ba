//! A fence around decoders that assert.
//!
//! The component-model crates are fuzzed for validity, not for every meaning of a valid component: some constructs end
//! in an assertion of theirs. A registry's bytes must not end the process, so such a panic becomes an error here, and
//! is told as one: nothing is said of it on the terminal.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

thread_local! {
    /// Whether this thread is behind the fence.
    static BEHIND: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, and gives the text of its panic as an error. What `work` touched is thrown away on a panic, so that no
/// broken state is seen afterwards.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outside = take_hook();
        set_hook(Box::new(move |panic| {
            if !BEHIND.get() {
                outside(panic);
            }
        }));
    });
    let before = BEHIND.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    BEHIND.set(before);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "it uses a construct that is not supported".to_owned())
    })
}

/// The chain of an error's causes in one line, outermost first.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_text() {
        assert_eq!(guarded(|| 1), Ok(1));
        assert_eq!(guarded(|| -> u32 { panic!("no {}", "way") }), Err("no way".to_owned()));
    }
}
