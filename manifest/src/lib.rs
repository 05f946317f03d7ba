//! spin-deps manifest
