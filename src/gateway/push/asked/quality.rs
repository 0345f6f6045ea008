//! The quality of service that is asked for, and the one a result shows.
//!
//! **Source:** WAP-247 sections 8.2, 8.14.

use super::Refused;
use crate::codec::pap::{DeliveryMethod, Quality, Status};
use crate::event::Bearer;
use crate::gateway::bearer::choice::{Bearers, Choice};

/// Whoever requires a network or a bearer that is not served is told so.
pub(super) fn check_quality(quality: Option<&Quality>, served: Bearers) -> Result<(), Refused> {
    let Some(quality) = quality else {
        return Ok(());
    };
    let is_served = |set: Option<Bearers>| set.is_some_and(|set| !set.and(served).is_empty());
    let network = quality.network.as_deref();
    if quality.network_required && network.is_some_and(|it| !is_served(Bearers::of_network(it))) {
        return Err(Refused::new(
            Status::RequiredNetworkNotAvailable,
            "the network is not served",
        ));
    }
    let bearer = quality.bearer.as_deref();
    if quality.bearer_required && bearer.is_some_and(|it| !is_served(Bearers::of_bearer(it))) {
        return Err(Refused::new(
            Status::RequiredBearerNotAvailable,
            "the bearer is not served",
        ));
    }
    if !Choice::new(served, Some(quality), false).is_possible() {
        return Err(Refused::new(
            Status::RequiredBearerNotAvailable,
            "the bearer is not one of the network",
        ));
    }
    Ok(())
}

/// The quality a result shows: what was asked for, with the method that was used (WAP-247 section 8.2).
#[must_use]
pub fn given(asked: Option<&Quality>, used: Option<Bearer>) -> Option<Quality> {
    asked.map(|quality| Quality {
        delivery_method: match quality.delivery_method {
            DeliveryMethod::Unconfirmed => DeliveryMethod::Unconfirmed,
            _ => DeliveryMethod::Confirmed,
        },
        bearer: match used {
            // One that was asked for keeps its spelling.
            Some(used) if !is_named(quality.bearer.as_deref(), used) => {
                Some(used.word().to_uppercase())
            }
            _ => quality.bearer.clone(),
        },
        ..quality.clone()
    })
}

/// True when the bearer is the one that was named, or SIP where none was.
fn is_named(name: Option<&str>, used: Bearer) -> bool {
    match name {
        Some(name) => Bearers::of_bearer(name).is_some_and(|set| set.has(used)),
        None => used == Bearer::Sip,
    }
}
