//! The app against the environments that it will be deployed to.
