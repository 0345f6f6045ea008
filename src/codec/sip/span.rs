//! Annotated output of a message.
