//! The tree, and every path to a package.
