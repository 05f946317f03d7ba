//! Locked content in a folder, for a machine without network and for stock Spin.
