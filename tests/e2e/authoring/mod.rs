//! Components under their author's hands.

mod manifest;
mod new;
