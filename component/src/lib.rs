//! spin-deps component
