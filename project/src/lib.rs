//! spin-deps project
