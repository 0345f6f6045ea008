//! Gateways and devices joined in virtual time.
