//! What contradicts the rules in what a storm left: a broken invariant, a push without its end, an answer that is not
//! true.

use super::Storm;
use crate::codec::pap::ReplaceMethod;
use crate::sim::Simulation;
use crate::sim::initiator::{ACCEPTED, Entry, Ledger, Submission};
use crate::sim::invariant::Invariants;

/// Addresses that were taken back.
pub(super) fn cancelled(ledger: &Ledger) -> u64 {
    let is_ok = |code: &&u16| **code == 1000;
    ledger
        .borrow()
        .values()
        .map(|entry| entry.cancelled.values().filter(is_ok).count() as u64)
        .sum()
}

/// The first that is found.
pub(super) fn fault(
    simulation: &Simulation,
    watch: &Invariants,
    storm: &Storm,
    ledger: &Ledger,
) -> Option<String> {
    if let Some(violation) = watch.violations().first() {
        return Some(violation.clone());
    }
    if simulation.standstills() > 0 {
        return Some("a node named a deadline and did nothing at it".to_owned());
    }
    if let Some(push) = watch.unended().first() {
        return Some(format!(
            "push {push} was accepted and has not ended in time"
        ));
    }
    let ledger = ledger.borrow();
    storm.pushes.iter().find_map(|(_, submission)| {
        let push = &submission.push_id;
        let entry = ledger.get(push)?;
        let why = wrong_answer(submission, entry)
            .or_else(|| wrong_result(submission, entry))
            .or_else(|| wrong_cancel(storm, submission, entry))?;
        Some(format!("push {push} {why}"))
    })
}

/// What is wrong with the answer to a submission: a code that nothing in it calls for, or none.
fn wrong_answer(submission: &Submission, entry: &Entry) -> Option<String> {
    let only_pending = matches!(submission.replaces, Some((_, ReplaceMethod::PendingOnly)));
    match entry.answer {
        Some(ACCEPTED) => None,
        // Its time was over before it came through.
        Some(2001) if submission.deliver_before.is_some() => None,
        // The one it replaces was not there, or had ended.
        Some(2004 | 2008) if only_pending => None,
        Some(code) => Some(format!("was answered {code}")),
        None => Some(format!(
            "was submitted {} times and never answered",
            entry.attempts
        )),
    }
}

/// What is wrong with the results of a push: one for each address of what was accepted, none that contradict.
fn wrong_result(submission: &Submission, entry: &Entry) -> Option<String> {
    if entry.contradictions > 0 {
        return Some("ended in two ways for the initiator".to_owned());
    }
    let is_narrowed = matches!(submission.replaces, Some((_, ReplaceMethod::PendingOnly)));
    let expected = match entry.answer {
        Some(ACCEPTED) if is_narrowed => 1,
        Some(ACCEPTED) => submission.addresses.len(),
        _ => 0,
    };
    let told = entry.results.len();
    (told < expected || (expected == 0 && told > 0)).then(|| {
        format!(
            "was answered {:?}, and {told} of its results were told",
            entry.answer
        )
    })
}

/// What is wrong with the answers to a cancel: each must be true of the address.
fn wrong_cancel(storm: &Storm, submission: &Submission, entry: &Entry) -> Option<String> {
    let is_asked = storm
        .cancels
        .iter()
        .any(|(_, cancel)| cancel.push_id == submission.push_id);
    if is_asked && entry.answer == Some(ACCEPTED) && entry.cancelled.is_empty() {
        return Some("was to be taken back, and that was never answered".to_owned());
    }
    entry.cancelled.iter().find_map(|(address, code)| {
        let state = entry.results.get(address).map(String::as_str);
        let is_true = match code {
            // One of its devices may have had it before.
            1000 => matches!(state, Some("cancelled" | "delivered")),
            2003 => state.is_none() && submission.replaces.is_some(),
            2008 => submission.addresses.len() > 1,
            3003 => state.is_some(),
            _ => false,
        };
        (!is_true).then(|| format!("was taken back for {address} with {code}: it is {state:?}"))
    })
}
