//! The simulator's own doors: devices come, are looked at and leave, refusals are demanded.
//!
//! ```text
//! POST   /sim/devices           {"name": "phone", "app": "com.example.mail"}   201 {"token": "..."}
//! GET    /sim/devices/TOKEN                                                    200 {"name": ..., "notes": [...]}
//! DELETE /sim/devices/TOKEN                                                    204: its token is gone from now on
//! POST   /sim/refuse            {"reason": "TooManyRequests", "to": "", "first": 1, "retry_after": 5}   204
//! DELETE /sim/refuse                                                           204: nothing is refused on demand
//! ```

use serde_json::{Value, json};

use super::{Demand, Handsets, respond};
use crate::time::Time;
use crate::world::{HttpRequest, Output, RequestId};

const DEVICES: &str = "/sim/devices";
const REFUSE: &str = "/sim/refuse";
/// Octets of a name.
const NAME: usize = 255;

impl Handsets {
    /// Answers a request at one of the doors; false when it is at none.
    pub(super) fn door(
        &mut self,
        now: Time,
        id: RequestId,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) -> bool {
        let target = request.target.as_str();
        let token = target
            .strip_prefix(DEVICES)
            .and_then(|rest| rest.strip_prefix('/'));
        let (status, body) = match (request.method.as_str(), target, token) {
            ("POST", DEVICES, _) => self.come(now, &request.body, out),
            ("GET", _, Some(token)) => match self.view(token) {
                Some(view) => (200, Some(view)),
                None => (404, Some(fault("no device has that token"))),
            },
            ("DELETE", _, Some(token)) if self.remove(now, token) => (204, None),
            ("DELETE", _, Some(_)) => (404, Some(fault("no device has that token"))),
            ("POST", REFUSE, _) => self.refuse(&request.body),
            ("DELETE", REFUSE, _) => {
                self.demands.clear();
                (204, None)
            }
            _ if target.starts_with("/sim/") => (404, Some(fault("there is no such door"))),
            _ => return false,
        };
        let body = body.map_or_else(String::new, |body| body.to_string());
        respond(id, status, &[], body, out);
        true
    }

    fn come(&mut self, now: Time, body: &[u8], out: &mut Vec<Output>) -> (u16, Option<Value>) {
        let fields: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| {
            let text = fields.get(name)?.as_str()?;
            (!text.is_empty() && text.len() <= NAME).then(|| text.to_owned())
        };
        let Some((name, app)) = text("name").zip(text("app")) else {
            let expected = "an object with name and app, texts of 1 to 255 octets, is expected";
            return (400, Some(fault(expected)));
        };
        match self.register(now, &name, &app, out) {
            Some(token) => (201, Some(json!({ "token": token }))),
            None => (503, Some(fault("there are too many devices"))),
        }
    }

    fn refuse(&mut self, body: &[u8]) -> (u16, Option<Value>) {
        let fields: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        let demand = Demand {
            reason: text("reason").to_owned(),
            to: text("to").to_owned(),
            first: number("first"),
            every: number("every").filter(|every| *every > 0),
            retry_after: number("retry_after"),
            met: 0,
        };
        if self.demand(demand) {
            (204, None)
        } else {
            let expected = "the service knows no such reason, or too many are demanded";
            (400, Some(fault(expected)))
        }
    }
}

fn fault(detail: &str) -> Value {
    json!({ "detail": detail })
}
