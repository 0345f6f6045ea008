//! What the network does to the nodes of a script.

use super::script::Script;
use super::stage;

#[test]
fn r2_61_a_terminal_that_never_answers_over_http_is_reached_by_the_next_bearer() {
    let text = "http-silent a terminal takes the request and says nothing\n\ntrio\n\
        device C1 bearer=http,sip behaviour=silent\npush p1 to=C1 plan=targeted content=\"hello\"\nwait 12s\n\n\
        expect 1 sir.next dev=C1 bearer=http next=sip\nexpect 1 sir.tx dev=C1 bearer=sip\n----\n";
    let script = Script::decode(text).unwrap();
    let played = stage::play(&script, 42).unwrap();
    let ladder = stage::ladder(&script, &played.events);
    for count in script.counts(&played.events) {
        assert_eq!(count.expected, count.actual, "{}\n{ladder}", count.of);
    }
}
