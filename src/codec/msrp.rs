//! MSRP requests and responses, and the framer of their chunks.
