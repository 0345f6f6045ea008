//! SIP methods.
//!
//! Source: RFC 3261 section 7.1; RFC 3428, 6665, 3903, 6086, 3262, 3311, 3515 for the others. Methods are compared in
//! their case; one that is not listed keeps its name in the message.

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Opens a session.
    Invite,
    /// Confirms a final answer to INVITE.
    Ack,
    /// Ends a session.
    Bye,
    /// Takes a pending INVITE back.
    Cancel,
    /// Binds a contact to an address of record.
    Register,
    /// Asks for capabilities.
    Options,
    /// Carries a page of content.
    Message,
    /// Asks for a state and its changes.
    Subscribe,
    /// Reports a state.
    Notify,
    /// Publishes a state.
    Publish,
    /// Carries information of an application within a session.
    Info,
    /// Acknowledges a provisional answer.
    Prack,
    /// Changes a session before it is answered.
    Update,
    /// Asks to contact a third party.
    Refer,
    /// Any other; its name stands in the message.
    Other,
}

impl Method {
    /// The name on the wire; empty for [`Method::Other`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Register => "REGISTER",
            Self::Options => "OPTIONS",
            Self::Message => "MESSAGE",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Publish => "PUBLISH",
            Self::Info => "INFO",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Refer => "REFER",
            Self::Other => "",
        }
    }

    /// The method of that name, which is case-sensitive.
    #[must_use]
    pub const fn from_octets(name: &[u8]) -> Self {
        match name {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            b"MESSAGE" => Self::Message,
            b"SUBSCRIBE" => Self::Subscribe,
            b"NOTIFY" => Self::Notify,
            b"PUBLISH" => Self::Publish,
            b"INFO" => Self::Info,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            b"REFER" => Self::Refer,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive() {
        assert_eq!(Method::from_octets(b"MESSAGE"), Method::Message);
        assert_eq!(Method::from_octets(b"message"), Method::Other);
        assert_eq!(Method::from_octets(b"NEWMETHOD"), Method::Other);
        assert_eq!(
            Method::from_octets(Method::Prack.name().as_bytes()),
            Method::Prack
        );
    }
}
