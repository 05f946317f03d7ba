//! Components of several languages in one app.
