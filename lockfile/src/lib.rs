//! spin-deps lockfile
