//! A submission in PAP.

use bytes::Bytes;

use super::capability::uri_of;
use super::options::set;
use super::quality::check_quality;
use super::{Asked, Refused};
use crate::codec::pap::{self, PushMessage, Version};
use crate::gateway::bearer::choice::Bearers;
use crate::gateway::push::submission::{Content, Options};

/// Reads a submission in PAP; what it does not say is as in `defaults`.
///
/// # Errors
/// With PAP's code and the reason.
pub fn of_pap(
    message: PushMessage,
    version: Version,
    entity: &pap::Content<'_>,
    defaults: &Options,
    application: &str,
    served: Bearers,
) -> Result<Asked, Refused> {
    let mut options = defaults.clone();
    let mut devices = Vec::new();
    let mut content = Content {
        application: application.to_owned(),
        content_type: entity.content_type.clone().into_owned(),
        headers: Vec::new(),
        octets: entity.body.len(),
        body: Bytes::copy_from_slice(&entity.body),
    };
    for (name, value) in &entity.headers {
        let lower = name.to_ascii_lowercase();
        if let Some(option) = lower.strip_prefix("x-sirgate-") {
            set(&mut options, &mut devices, option, value)?;
        } else if lower == "x-wap-application-id" {
            let named = value.split(';').next().unwrap_or(value).trim();
            uri_of(named).clone_into(&mut content.application);
        } else if !matches!(
            lower.as_str(),
            "content-type" | "content-length" | "content-transfer-encoding" | "content-id"
        ) {
            content
                .headers
                .push(((*name).to_owned(), value.clone().into_owned()));
        }
    }
    check_quality(message.quality.as_ref(), served)?;
    Ok(Asked {
        push_id: message.push_id,
        version,
        addresses: message.addresses,
        takes_bare: false,
        devices,
        replaces: message
            .replace_push_id
            .map(|id| (id, message.replace_method)),
        deliver_before: message.deliver_before,
        deliver_after: message.deliver_after,
        notify_to: message.notify_to,
        quality: message.quality,
        content,
        options,
        onward: None,
    })
}
