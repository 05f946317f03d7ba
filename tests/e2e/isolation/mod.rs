//! What dependencies and middleware reach, and what they do not.
