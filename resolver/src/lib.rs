//! spin-deps resolver
