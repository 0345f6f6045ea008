//! PAP: the documents between initiator and gateway.
