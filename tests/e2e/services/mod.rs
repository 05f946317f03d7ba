//! What the embedded host gives to components.
