//! Events drawn as a ladder.
