//! SIP as behaviour: transactions, dialogs, registrar, sessions.

pub mod authentication;
pub mod caller_preferences;
mod client_transaction;
pub mod dialog;
pub mod endpoint;
mod mac;
pub mod notifier;
pub mod outbound;
pub mod push_session;
pub mod registrar;
mod server_transaction;
pub mod session_timer;
