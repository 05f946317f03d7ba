//! spin-deps host
