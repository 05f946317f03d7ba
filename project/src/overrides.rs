//! The manifest's overrides: packages that are replaced everywhere in the app by a file, a version or another package.
