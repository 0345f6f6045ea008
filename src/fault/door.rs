//! `/api/v1/faults`: rules listed, added, taken out, replaced, while the node runs.
//!
//! | request | does |
//! |---|---|
//! | `GET /api/v1/faults` | lists them with their counts |
//! | `GET /api/v1/faults/presets` | lists the presets |
//! | `POST /api/v1/faults` | adds a rule, or with `{"preset": NAME}` those of a preset |
//! | `PUT /api/v1/faults` | replaces all by the list in `rules`; the same again changes nothing else |
//! | `DELETE /api/v1/faults/NAME` | takes one out |
//! | `POST /api/v1/faults/reset` | takes all out |

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::faulty::Faulty;
use super::known::{Acquainted, Asker};
use super::preset;
use super::rules::{Listed, Rules};
use super::spec::{Spec, WrongSpec};
use crate::machine::Machine;
use crate::time::Time;
use crate::world::{HttpRequest, HttpResponse, Input, Output};

/// Where the rules are.
pub const PATH: &str = "/api/v1/faults";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    preset: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    rules: Vec<Spec>,
}

impl<N> Faulty<N>
where
    N: Machine<Input = Input, Output = Output> + Acquainted,
{
    /// The answer to a request about rules; `None` when it is about something else.
    pub(super) fn door(
        &mut self,
        now: Time,
        request: &HttpRequest,
        out: &mut Vec<Output>,
    ) -> Option<HttpResponse> {
        let path = request.target.split('?').next().unwrap_or_default();
        let rest = path.strip_prefix(PATH)?;
        if !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        if !self.has_door {
            let why = "faults are closed; [faults] in the configuration opens them";
            return Some(problem(403, why));
        }
        let asker = self.node.asker(request.header("authorization"));
        if matches!(&asker, Asker::Named(name) if !self.operators.contains(name)) {
            let why = "this initiator may not change faults; [faults] operators names who may";
            return Some(problem(403, why));
        }
        if asker == Asker::Unknown {
            let mut response = problem(401, "name and password of an initiator are wanted");
            let challenge = "Basic realm=\"sirgate\", charset=\"UTF-8\"".to_owned();
            response
                .headers
                .push(("www-authenticate".to_owned(), challenge));
            return Some(response);
        }
        let body = &request.body;
        let changed =
            |it: &mut Self,
             out: &mut Vec<Output>,
             change: &dyn Fn(&mut Rules) -> Result<Value, WrongSpec>| {
                match it.change(now, out, change) {
                    Ok(value) => reply(200, &value),
                    Err(why) => problem(422, &why.to_string()),
                }
            };
        Some(match (request.method.as_str(), rest) {
            ("GET", "") => reply(200, &list(&self.rules)),
            ("GET", "/presets") => reply(200, &presets()),
            ("POST", "") => changed(self, out, &|rules| add(rules, body, now)),
            ("PUT", "") => changed(self, out, &|rules| replace(rules, body, now)),
            ("POST", "/reset") => {
                let count = self.change(now, out, Rules::reset);
                reply(
                    200,
                    &json!({"schema": "sirgate.faults-removed/1", "removed": count}),
                )
            }
            ("DELETE", name) if name.len() > 1 => {
                let name = name.get(1..).unwrap_or_default().to_owned();
                if self.change(now, out, |rules| rules.remove(&name)) {
                    reply(
                        200,
                        &json!({"schema": "sirgate.faults-removed/1", "removed": 1}),
                    )
                } else {
                    problem(404, &format!("there is no rule '{name}'"))
                }
            }
            (_, "" | "/reset") => {
                problem(405, "GET, POST, PUT; POST for reset; DELETE for one rule")
            }
            _ => problem(404, "no such path"),
        })
    }
}

fn presets() -> Value {
    let all = preset::PRESETS.map(|preset| json!({"name": preset.name, "what": preset.what}));
    json!({"schema": "sirgate.fault-presets/1", "presets": all})
}

fn add(rules: &mut Rules, body: &Bytes, now: Time) -> Result<Value, WrongSpec> {
    let specs = match serde_json::from_slice::<Bundle>(body) {
        Ok(bundle) => of_preset(&bundle.preset)?,
        Err(_) => vec![read::<Spec>(body)?],
    };
    let mut names = Vec::new();
    for spec in specs {
        match rules.add(spec, now) {
            Ok(name) => names.push(name),
            Err(why) => {
                names.iter().for_each(|name: &String| {
                    rules.remove(name);
                });
                return Err(why);
            }
        }
    }
    let added: Vec<Value> = rules
        .list()
        .filter(|rule| names.iter().any(|name| name == rule.name))
        .map(|rule| show(&rule))
        .collect();
    Ok(json!({"schema": "sirgate.faults/1", "rules": added}))
}

/// The rules of the preset of that name.
///
/// # Errors
/// There is none.
pub fn of_preset(name: &str) -> Result<Vec<Spec>, WrongSpec> {
    let known = preset::PRESETS.map(|preset| preset.name).join(", ");
    let none = || WrongSpec(format!("there is no preset '{name}'; presets are {known}"));
    Ok(preset::named(name).ok_or_else(none)?.rules())
}

fn replace(rules: &mut Rules, body: &Bytes, now: Time) -> Result<Value, WrongSpec> {
    let all: All = read(body)?;
    // All or none: what is in force stays when one of the new ones is none.
    let mut fresh = Rules::default();
    for spec in &all.rules {
        fresh.add(spec.clone(), now)?;
    }
    rules.reset();
    for spec in all.rules {
        rules.add(spec, now)?;
    }
    Ok(list(rules))
}

fn read<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Result<T, WrongSpec> {
    serde_json::from_slice(body).map_err(|error| WrongSpec(error.to_string()))
}

/// All rules, as JSON.
#[must_use]
pub fn list(rules: &Rules) -> Value {
    let rules: Vec<Value> = rules.list().map(|rule| show(&rule)).collect();
    json!({"schema": "sirgate.faults/1", "rules": rules})
}

fn show(rule: &Listed<'_>) -> Value {
    let mut shown = serde_json::to_value(rule.spec).unwrap_or_default();
    if let Value::Object(members) = &mut shown {
        members.insert("name".to_owned(), json!(rule.name));
        members.insert("words".to_owned(), json!(rule.spec.words()));
        members.insert("seen".to_owned(), json!(rule.seen));
        members.insert("hit".to_owned(), json!(rule.hits));
        members.insert(
            "until".to_owned(),
            json!(rule.until.map(|at| at.to_string())),
        );
        members.insert("over".to_owned(), json!(rule.is_over));
    }
    shown
}

fn reply(status: u16, body: &Value) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Bytes::from(body.to_string()),
    }
}

fn problem(status: u16, detail: &str) -> HttpResponse {
    let title = match status {
        401 => "who asks?",
        403 => "not allowed",
        404 => "not found",
        405 => "method not allowed",
        _ => "not a rule",
    };
    let body = json!({"type": "about:blank", "title": title, "status": status, "detail": detail});
    let mut response = reply(status, &body);
    response.headers = vec![(
        "content-type".to_owned(),
        "application/problem+json".to_owned(),
    )];
    response
}
