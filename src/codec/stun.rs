//! STUN binding requests and answers, as far as SIP outbound needs them.
