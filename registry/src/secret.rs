//! Text that is never shown.

use std::fmt;

/// A password or token. Has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps the text to itself from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one request that carries it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text can stand in a header: visible ASCII, not too long.
    pub(crate) fn fits_header(&self) -> bool {
        !self.0.is_empty() && self.0.len() <= 32 * 1024 && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[hidden]");
    }

    #[test]
    fn a_token_with_a_line_break_fits_no_header() {
        assert!(Secret::new("abc.def").fits_header());
        assert!(!Secret::new("abc\r\nX-Evil: 1").fits_header());
        assert!(!Secret::new("").fits_header());
    }
}
