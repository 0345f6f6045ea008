//! Reading named fields: what is there, in the form it must have.

use serde_json::{Map, Value as Json};

use crate::codec::format::FieldFault;
use crate::codec::hex;

/// Fields with names.
#[derive(Clone, Copy, Debug)]
pub(in crate::codec) struct Object<'v>(&'v Map<String, Json>);

impl<'v> Object<'v> {
    pub(in crate::codec) fn of(value: &'v Json) -> Result<Self, FieldFault> {
        value
            .as_object()
            .map(Self)
            .ok_or_else(|| FieldFault::new("fields with names are needed"))
    }

    pub(in crate::codec) const fn map(&self) -> &'v Map<String, Json> {
        self.0
    }

    pub(in crate::codec) fn any(&self, name: &str) -> Option<&'v Json> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(in crate::codec) fn number(&self, name: &str) -> Result<Option<u64>, FieldFault> {
        self.any(name)
            .map(|value| {
                value
                    .as_u64()
                    .ok_or_else(|| FieldFault::new(format_args!("{name}: a number is needed")))
            })
            .transpose()
    }

    pub(in crate::codec) fn octet(&self, name: &str) -> Result<Option<u8>, FieldFault> {
        self.narrow(name, u64::from(u8::MAX))?
            .map_or(Ok(None), |number| Ok(u8::try_from(number).ok()))
    }

    pub(in crate::codec) fn narrow(&self, name: &str, max: u64) -> Result<Option<u64>, FieldFault> {
        match self.number(name)? {
            Some(number) if number > max => Err(FieldFault::new(format_args!(
                "{name}: {number} is above {max}"
            ))),
            other => Ok(other),
        }
    }

    pub(in crate::codec) fn uint32(&self, name: &str) -> Result<u32, FieldFault> {
        self.narrow(name, u64::from(u32::MAX))?
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| FieldFault::new(format_args!("{name} is missing")))
    }

    pub(in crate::codec) fn text(&self, name: &str) -> Result<Option<&'v str>, FieldFault> {
        self.any(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| FieldFault::new(format_args!("{name}: a text is needed")))
            })
            .transpose()
    }

    pub(in crate::codec) fn is_true(&self, name: &str) -> Result<bool, FieldFault> {
        match self.any(name) {
            None => Ok(false),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| FieldFault::new(format_args!("{name}: true or false is needed"))),
        }
    }

    pub(in crate::codec) fn hex(&self, name: &str) -> Result<Option<Vec<u8>>, FieldFault> {
        self.text(name)?
            .map(|text| {
                hex::octets(text).ok_or_else(|| {
                    FieldFault::new(format_args!("{name}: hexadecimal digits are needed"))
                })
            })
            .transpose()
    }

    pub(in crate::codec) fn list(&self, name: &str) -> Result<&'v [Json], FieldFault> {
        match self.any(name) {
            None => Ok(&[]),
            Some(value) => value
                .as_array()
                .map(Vec::as_slice)
                .ok_or_else(|| FieldFault::new(format_args!("{name}: a list is needed"))),
        }
    }
}
