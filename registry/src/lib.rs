//! spin-deps registry
