//! Finding packages by name or interface, over the registries that can list.
