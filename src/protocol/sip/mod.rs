//! SIP as behaviour: transactions, dialogs, registrar, sessions.

pub mod authentication;
pub mod dialog;
pub mod endpoint;
pub mod outbound;
pub mod push_session;
pub mod registrar;
