//! Registrations that end while their device sleeps: it is woken in time to renew them.
//!
//! **Source:** RFC 8599 section 5.5: a device that does not say `+sip.pnsreg` is woken at least 120 s before its
//! registration ends. It is woken again after half of what is left, as long as it has time to register.

use core::time::Duration;

use super::is_connected;
use crate::codec::sip::push_notification::REFRESH_BEFORE_MIN;
use crate::codec::sir::Sir;
use crate::event::Fact;
use crate::gateway::registry::{DeviceKey, Route};
use crate::gateway::{Gateway, Timer};
use crate::time::Time;
use crate::world::Output;

/// What a device needs at least to register once it is woken.
const LEAST: Duration = Duration::from_secs(10);

impl Gateway {
    /// A device's registrations changed: it is woken when the first of them is about to end.
    pub(in crate::gateway) fn renew_later(&mut self, now: Time, key: DeviceKey) {
        let routes = self.registry.device(key).map(|device| &device.routes);
        let due = routes.into_iter().flatten().filter_map(due).min();
        match due {
            Some(due) => self.timers.set(Timer::Renew(key), due.max(now)),
            None => self.timers.cancel(Timer::Renew(key)),
        }
    }

    /// A registration is about to end: its device is woken, unless it is awake or being woken.
    pub(in crate::gateway) fn renew(&mut self, now: Time, key: DeviceKey, out: &mut Vec<Output>) {
        let Some(device) = self.registry.device(key) else {
            return;
        };
        let ends = |route: &&Route| route.renew_by.is_some_and(|end| end > now);
        let routes = device.routes.iter().filter(ends);
        let Some(route) = routes.min_by_key(|route| route.renew_by) else {
            return;
        };
        let left = route.renew_by.map_or(Duration::ZERO, |end| end.since(now));
        let is_awake = is_connected(route) || device.session.is_some();
        if let Some(wake) = route.wake.clone()
            && !is_awake
            && !self.is_being_woken(key)
        {
            let dev = device.name.clone();
            let pui = self.registry.get(key.identity).map(|it| it.pui.clone());
            // A SIR that names no push: the device has nothing to do but to register.
            let sir = Sir::new(&pui.unwrap_or_default(), &self.config.uri).encode();
            if let Ok(call) = self.call_of(key, &wake, &sir, None, now) {
                let fact = Fact::Wake {
                    dev,
                    by: wake.name(),
                    push: None,
                };
                self.report(now, fact, out);
                let leg = self.leg_of(&call);
                self.leave(now, leg, call, out);
            }
        }
        let pause = left / 2;
        if pause >= LEAST {
            self.timers.set(Timer::Renew(key), now + pause);
        }
    }
}

/// When the device of a route is woken to renew it.
fn due(route: &Route) -> Option<Time> {
    let end = route.renew_by?;
    let lasts = end.since(route.registered_at);
    let lead = Duration::from_secs(REFRESH_BEFORE_MIN.into()).min(lasts / 2);
    Some(route.registered_at + (lasts - lead))
}
