//! The one shape of every state machine here.

use crate::time::Time;

/// A state machine without IO: inputs and instants go in, effects come out.
pub trait Machine {
    /// What the machine can be told.
    type Input;
    /// What the machine asks for.
    type Output;

    /// Handles one input; appends effects to `out` in the order in which they must be performed.
    fn handle(&mut self, now: Time, input: Self::Input, out: &mut Vec<Self::Output>);

    /// Runs every timer due at `now`.
    fn expire(&mut self, now: Time, out: &mut Vec<Self::Output>);

    /// When [`Machine::expire`] must be called next; `None` while nothing waits.
    fn deadline(&self) -> Option<Time>;

    /// Asked to end in order: takes leave of its peers. Nothing, for a machine that need not.
    fn stop(&mut self, _now: Time, _out: &mut Vec<Self::Output>) {}

    /// False while an answer to what [`Machine::stop`] sent is waited for.
    fn has_stopped(&self) -> bool {
        true
    }
}
