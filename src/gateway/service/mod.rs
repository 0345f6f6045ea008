//! Services around the push: each decides for its own clients, and knows neither bearers nor the other services.

pub mod instant_notice;
pub mod push_service;
pub mod session;
pub mod web_message;
