//! Transport and transactions of one SIP element.
