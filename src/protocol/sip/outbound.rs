//! Flows kept alive.
