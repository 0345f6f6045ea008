//! The mandatory parameters of each command in their order, told once: reading, writing and both ways of JSON follow
//! the same list.
//!
//! **Source:** SMPP 3.4 section 4, the tables of its commands.

use super::{Bind, Body, Cancel, Command, Data, Message, Party, Replace, State, Text};

/// What is done with each field in turn.
pub(super) trait Visit<'a> {
    /// Why it cannot be done.
    type Fault;

    /// A number of one octet.
    fn octet(&mut self, name: &'static str, value: &mut u8) -> Result<(), Self::Fault>;

    /// A text with its final 00.
    fn text(
        &mut self,
        name: &'static str,
        bound: Bound,
        value: &mut Text<'a>,
    ) -> Result<(), Self::Fault>;

    /// Sm_length and short_message.
    fn message(&mut self, manner: Manner<'a>, value: &mut &'a [u8]) -> Result<(), Self::Fault>;
}

/// How long a text may be, with its final 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// At most so many octets.
    Most(usize),
    /// One octet or seventeen: no time, or one.
    Time,
}

/// What was read before a message and tells how to take it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner<'a> {
    pub(super) service_type: Text<'a>,
    pub(super) esm_class: u8,
    pub(super) data_coding: u8,
}

const ADDRESS: Bound = Bound::Most(21);
const LONG_ADDRESS: Bound = Bound::Most(65);
const MESSAGE_ID: Bound = Bound::Most(65);
const SERVICE_TYPE: Bound = Bound::Most(6);

/// Names of the three fields of an address.
const SOURCE: [&str; 3] = ["source_ton", "source_npi", "source"];
const DESTINATION: [&str; 3] = ["dest_ton", "dest_npi", "dest"];
const ESME: [&str; 3] = ["esme_ton", "esme_npi", "esme"];

impl Bound {
    /// Whether so many octets before the 00 are within it.
    pub(super) const fn holds(self, octets: usize) -> bool {
        match self {
            Self::Most(most) => octets < most,
            Self::Time => octets == 0 || octets == 16,
        }
    }
}

impl<'a> Body<'a> {
    /// The form that a command has, with nothing in it.
    pub(super) fn of(command: Command) -> Self {
        match command {
            Command::BIND_RECEIVER | Command::BIND_TRANSMITTER | Command::BIND_TRANSCEIVER => {
                Self::Bind(Bind::default())
            }
            Command::BIND_RECEIVER_RESP
            | Command::BIND_TRANSMITTER_RESP
            | Command::BIND_TRANSCEIVER_RESP => Self::BindResponse(Text::default()),
            Command::OUTBIND => Self::Outbind(Text::default(), Text::default()),
            Command::SUBMIT_SM | Command::DELIVER_SM => Self::Message(Message::default()),
            Command::DATA_SM => Self::Data(Data::default()),
            Command::SUBMIT_SM_RESP | Command::DELIVER_SM_RESP | Command::DATA_SM_RESP => {
                Self::MessageResponse(Text::default())
            }
            Command::QUERY_SM => Self::Query(Text::default(), Party::default()),
            Command::QUERY_SM_RESP => Self::QueryResponse(State::default()),
            Command::CANCEL_SM => Self::Cancel(Cancel::default()),
            Command::REPLACE_SM => Self::Replace(Replace::default()),
            Command::ALERT_NOTIFICATION => Self::Alert(Party::default(), Party::default()),
            Command::UNBIND
            | Command::UNBIND_RESP
            | Command::ENQUIRE_LINK
            | Command::ENQUIRE_LINK_RESP
            | Command::GENERIC_NACK
            | Command::CANCEL_SM_RESP
            | Command::REPLACE_SM_RESP => Self::Empty,
            _ => Self::Other(&[]),
        }
    }

    /// Goes through the fields in order; octets without a form are none.
    pub(super) fn visit<V: Visit<'a>>(&mut self, v: &mut V) -> Result<(), V::Fault> {
        match self {
            Self::Empty | Self::Other(_) => Ok(()),
            Self::Bind(it) => it.visit(v),
            Self::BindResponse(system_id) => v.text("system_id", Bound::Most(16), system_id),
            Self::Outbind(system_id, password) => {
                v.text("system_id", Bound::Most(16), system_id)?;
                v.text("password", Bound::Most(9), password)
            }
            Self::Message(it) => it.visit(v),
            Self::Data(it) => it.visit(v),
            Self::MessageResponse(message_id) => v.text("message_id", MESSAGE_ID, message_id),
            Self::Query(message_id, source) => {
                v.text("message_id", MESSAGE_ID, message_id)?;
                source.visit(v, SOURCE, ADDRESS)
            }
            Self::QueryResponse(it) => it.visit(v),
            Self::Cancel(it) => it.visit(v),
            Self::Replace(it) => it.visit(v),
            Self::Alert(source, esme) => {
                source.visit(v, SOURCE, LONG_ADDRESS)?;
                esme.visit(v, ESME, LONG_ADDRESS)
            }
        }
    }
}

impl<'a> Party<'a> {
    fn visit<V: Visit<'a>>(
        &mut self,
        v: &mut V,
        names: [&'static str; 3],
        bound: Bound,
    ) -> Result<(), V::Fault> {
        let [ton, npi, address] = names;
        v.octet(ton, &mut self.ton)?;
        v.octet(npi, &mut self.npi)?;
        v.text(address, bound, &mut self.address)
    }
}

impl<'a> Bind<'a> {
    fn visit<V: Visit<'a>>(&mut self, v: &mut V) -> Result<(), V::Fault> {
        v.text("system_id", Bound::Most(16), &mut self.system_id)?;
        v.text("password", Bound::Most(9), &mut self.password)?;
        v.text("system_type", Bound::Most(13), &mut self.system_type)?;
        v.octet("interface_version", &mut self.interface_version)?;
        let names = ["addr_ton", "addr_npi", "address_range"];
        self.addresses.visit(v, names, Bound::Most(41))
    }
}

impl<'a> Message<'a> {
    fn visit<V: Visit<'a>>(&mut self, v: &mut V) -> Result<(), V::Fault> {
        v.text("service_type", SERVICE_TYPE, &mut self.service_type)?;
        self.source.visit(v, SOURCE, ADDRESS)?;
        self.destination.visit(v, DESTINATION, ADDRESS)?;
        v.octet("esm_class", &mut self.esm_class)?;
        v.octet("protocol_id", &mut self.protocol_id)?;
        v.octet("priority_flag", &mut self.priority_flag)?;
        v.text(
            "schedule_delivery_time",
            Bound::Time,
            &mut self.schedule_delivery_time,
        )?;
        v.text("validity_period", Bound::Time, &mut self.validity_period)?;
        v.octet("registered_delivery", &mut self.registered_delivery)?;
        v.octet("replace_if_present_flag", &mut self.replace_if_present_flag)?;
        v.octet("data_coding", &mut self.data_coding)?;
        v.octet("sm_default_msg_id", &mut self.sm_default_msg_id)?;
        let manner = Manner {
            service_type: self.service_type,
            esm_class: self.esm_class,
            data_coding: self.data_coding,
        };
        v.message(manner, &mut self.short_message)
    }
}

impl<'a> Data<'a> {
    fn visit<V: Visit<'a>>(&mut self, v: &mut V) -> Result<(), V::Fault> {
        v.text("service_type", SERVICE_TYPE, &mut self.service_type)?;
        self.source.visit(v, SOURCE, LONG_ADDRESS)?;
        self.destination.visit(v, DESTINATION, LONG_ADDRESS)?;
        v.octet("esm_class", &mut self.esm_class)?;
        v.octet("registered_delivery", &mut self.registered_delivery)?;
        v.octet("data_coding", &mut self.data_coding)
    }
}

impl<'a> State<'a> {
    fn visit<V: Visit<'a>>(&mut self, v: &mut V) -> Result<(), V::Fault> {
        v.text("message_id", MESSAGE_ID, &mut self.message_id)?;
        v.text("final_date", Bound::Time, &mut self.final_date)?;
        v.octet("message_state", &mut self.message_state)?;
        v.octet("error_code", &mut self.error_code)
    }
}

impl<'a> Cancel<'a> {
    fn visit<V: Visit<'a>>(&mut self, v: &mut V) -> Result<(), V::Fault> {
        v.text("service_type", SERVICE_TYPE, &mut self.service_type)?;
        v.text("message_id", MESSAGE_ID, &mut self.message_id)?;
        self.source.visit(v, SOURCE, ADDRESS)?;
        self.destination.visit(v, DESTINATION, ADDRESS)
    }
}

impl<'a> Replace<'a> {
    fn visit<V: Visit<'a>>(&mut self, v: &mut V) -> Result<(), V::Fault> {
        v.text("message_id", MESSAGE_ID, &mut self.message_id)?;
        self.source.visit(v, SOURCE, ADDRESS)?;
        v.text(
            "schedule_delivery_time",
            Bound::Time,
            &mut self.schedule_delivery_time,
        )?;
        v.text("validity_period", Bound::Time, &mut self.validity_period)?;
        v.octet("registered_delivery", &mut self.registered_delivery)?;
        v.octet("sm_default_msg_id", &mut self.sm_default_msg_id)?;
        v.message(Manner::default(), &mut self.short_message)
    }
}
