//! Using a component under development in place of a package, and going back.
