//! A softphone shows the lamp of messages that wait, for pushes (RFC 3842).

use std::time::Duration;

use crate::softphone::{BARESIP, baresip};
use crate::{Ports, lab};

#[test]
fn baresip_shows_the_lamp_while_a_push_waits() {
    let folder = lab::folder();
    let ports = Ports::free();
    // Its mwi module looks through its subscriptions once, a millisecond after it is loaded, and adds one for each it
    // finds to the list that it walks: without end, when the registration is already there. So the answer takes longer.
    let identity = format!(
        "[faults]\n[[faults.rule]]\nfault = \"delay\"\nms = 250\ndir = \"in\"\nmatch = \"sip.method=REGISTER\"\n\
         [[identity]]\npui = \"sip:bob@example.com\"\n[[identity.device]]\nname = \"baresip\"\nid = [\"{BARESIP}\"]\n"
    );
    let _gateway = ports.serve(folder.path(), &identity);
    let phone = baresip(folder.path(), &ports, "module_app mwi.so\n");
    ports.wait(folder.path(), "reg change=created dev=baresip", 1);
    let shows = |what: &str, times: usize| {
        let patience = Duration::from_secs(20);
        lab::eventually(what, patience, || phone.count(what) >= times);
    };
    // Its menu says so of each NOTIFY that it took.
    shows("----- MWI for sip:bob@example.com -----", 1);
    shows("Messages-Waiting: no", 1);
    assert!(!phone.saw("Messages-Waiting: yes"));

    let push = ["bob", "hi", "--push-id", "m1", "--no-wait"];
    let (exit, answer) = ports.push(folder.path(), &push);
    assert_eq!(exit, Some(0), "{answer}");
    shows("Messages-Waiting: yes", 1);
    shows("Voice-Message: 1/0", 1);
    shows("----- MWI for sip:bob@example.com -----", 2);
    let dark = phone.count("Messages-Waiting: no");

    let url = format!("{}/api/v1/pushes/m1", ports.api());
    let (status, _) = lab::http(&url, "DELETE", &[], b"").expect("the API answers");
    assert_eq!(status, 200);
    shows("Messages-Waiting: no", dark + 1);
    shows("----- MWI for sip:bob@example.com -----", 3);
}
