//! The store of messages: states, counts, cursors, bounds, restarts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::limits;
use crate::world::{Output, RecordKey};

const ALICE: &str = "sip:alice@example.com";

fn draft(app: &str, id: &str) -> Draft {
    Draft {
        app: app.to_owned(),
        id: id.to_owned(),
        title: format!("title of {id}"),
        ..Draft::default()
    }
}

fn about(app: &str, id: &str, topic: &str) -> Draft {
    Draft {
        topic: Some(topic.to_owned()),
        ..draft(app, id)
    }
}

fn put(messages: &mut Messages, now: Time, account: &str, draft: Draft) -> Result<Put, Full> {
    messages.put(now, account, draft, &|_| false)
}

fn at(seconds: u64) -> Time {
    Time::from_secs(seconds)
}

fn seqs(page: &Page<'_>) -> Vec<u64> {
    page.messages.iter().map(|message| message.seq).collect()
}

fn anything(messages: &Messages, cursor: u64) -> Page<'_> {
    messages.after(at(0), ALICE, cursor, |_| true, |_| true)
}

/// The records that follow from what happened, as a store has them.
fn keep(messages: &mut Messages, kept: &mut BTreeMap<RecordKey, Vec<u8>>) {
    let mut out = Vec::new();
    messages.save(&mut out);
    for output in out {
        match output {
            Output::Save(record) => {
                kept.insert(record.key, record.body);
            }
            Output::Forget(key) => {
                kept.remove(&key);
            }
            other => panic!("a store of messages only saves and forgets: {other:?}"),
        }
    }
}

fn restarted(kept: &BTreeMap<RecordKey, Vec<u8>>) -> Messages {
    let mut messages = Messages::default();
    for body in kept.values() {
        read(body, &mut messages).expect("a record that was written here");
    }
    messages
}

#[test]
fn r4_9_a_message_goes_through_its_four_states_and_never_back() {
    let mut messages = Messages::default();
    let put = put(&mut messages, at(0), ALICE, draft("mail", "a")).unwrap();
    let state = |messages: &Messages| messages.get(ALICE, put.seq).unwrap().state;
    assert_eq!(state(&messages), State::Unoffered);
    assert_eq!(messages.offer(ALICE, put.seq), 1);
    assert_eq!(state(&messages), State::Offered);
    assert!(messages.read(ALICE, put.seq));
    assert_eq!(messages.offer(ALICE, put.seq), 0);
    assert!(!messages.read(ALICE, put.seq));
    assert_eq!(state(&messages), State::Read);
    assert!(messages.delete(ALICE, put.seq));
    assert!(!messages.read(ALICE, put.seq));
    assert_eq!(state(&messages), State::Deleted);
    assert_eq!(messages.get(ALICE, put.seq).unwrap().draft.title, "");
}

#[test]
fn r4_10_unread_is_offered_and_not_offered_with_the_newest_first() {
    let mut messages = Messages::default();
    for id in ["a", "b", "c", "d", "e"] {
        put(&mut messages, at(0), ALICE, draft("site", id)).unwrap();
    }
    messages.offer(ALICE, 3);
    messages.read(ALICE, 2);
    messages.delete(ALICE, 1);
    let unread = messages.unread(at(1), ALICE, 10);
    assert_eq!((unread.new, unread.old, unread.seq), (2, 1, 5));
    let items: Vec<u64> = unread.items.iter().map(|message| message.seq).collect();
    assert_eq!(items, [5, 4, 3]);
    assert_eq!(messages.unread(at(1), ALICE, 2).more(), 1);
}

#[test]
fn a_message_of_the_same_topic_takes_the_place_of_the_earlier_one() {
    let mut messages = Messages::default();
    put(&mut messages, at(0), ALICE, about("mail", "a", "inbox")).unwrap();
    put(&mut messages, at(0), ALICE, about("news", "b", "inbox")).unwrap();
    let put = put(&mut messages, at(0), ALICE, about("mail", "c", "inbox"));
    assert_eq!(put.unwrap().replaced, Some(1));
    assert_eq!(seqs(&anything(&messages, 0)), [2, 3]);
    assert_eq!(messages.unread(at(0), ALICE, 9).new, 2);
}

#[test]
fn a_message_put_again_is_no_second_one() {
    let mut messages = Messages::default();
    let first = put(&mut messages, at(0), ALICE, draft("mail", "a")).unwrap();
    let again = put(&mut messages, at(1), ALICE, draft("mail", "a")).unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!((first.seq, messages.len()), (again.seq, 1));
}

#[test]
fn r0_21_a_question_asked_again_is_answered_again() {
    let mut messages = Messages::default();
    put(&mut messages, at(0), ALICE, draft("mail", "a")).unwrap();
    put(&mut messages, at(0), ALICE, draft("news", "b")).unwrap();
    let first = anything(&messages, 0);
    assert_eq!((seqs(&first), first.cursor), (vec![1, 2], 2));
    assert_eq!(anything(&messages, 0), first);
    assert!(anything(&messages, first.cursor).is_empty());
}

#[test]
fn what_expired_is_neither_given_nor_counted() {
    let mut messages = Messages::default();
    let expires = Some(at(60));
    let short = Draft {
        expires,
        ..draft("mail", "a")
    };
    put(&mut messages, at(0), ALICE, short).unwrap();
    assert_eq!(messages.deadline(), expires);
    assert_eq!(messages.unread(at(59), ALICE, 9).new, 1);
    let page = messages.after(at(60), ALICE, 0, |_| true, |_| true);
    assert!(page.is_empty());
    assert_eq!(messages.unread(at(60), ALICE, 9).new, 0);
    assert!(messages.is_empty() && messages.octets() == 0);
}

#[test]
fn r0_42_a_clearing_is_heard_of_once_and_opens_what_it_covers() {
    let mut messages = Messages::default();
    for (app, id) in [("mail", "a"), ("news", "b"), ("mail", "c")] {
        put(&mut messages, at(0), ALICE, draft(app, id)).unwrap();
    }
    assert_eq!(messages.clear(ALICE, "mail", 3, "a"), 2);
    assert_eq!(messages.clear(ALICE, "mail", 3, "a"), 0);
    let page = anything(&messages, 3);
    let mail = Cleared {
        app: "mail".to_owned(),
        upto: 3,
        at: 4,
    };
    assert_eq!((page.cleared.as_slice(), page.cursor), (&[&mail][..], 4));
    assert!(anything(&messages, 4).is_empty());
    assert_eq!(messages.unread(at(0), ALICE, 9).new, 1);
}

#[test]
fn a_page_is_bounded_and_says_that_more_waits() {
    let mut messages = Messages::default();
    for n in 0..=limits::WEB_PACKET_MESSAGES {
        let id = n.to_string();
        put(&mut messages, at(0), ALICE, draft("mail", &id)).unwrap();
    }
    let page = anything(&messages, 0);
    assert_eq!(page.messages.len(), limits::WEB_PACKET_MESSAGES);
    assert!(page.more);
    let rest = anything(&messages, page.cursor);
    assert_eq!((rest.messages.len(), rest.more), (1, false));
}

#[test]
fn a_page_is_bounded_in_octets_but_never_empty_for_that() {
    let mut messages = Messages::default();
    for id in ["a", "b"] {
        let large = Draft {
            data: json!("x".repeat(limits::WEB_PACKET_OCTETS)),
            ..draft("mail", id)
        };
        put(&mut messages, at(0), ALICE, large).unwrap();
    }
    let page = anything(&messages, 0);
    assert_eq!((seqs(&page), page.more), (vec![1], true));
}

#[test]
fn room_is_made_of_deleted_then_read_messages_and_never_of_unread_ones() {
    let mut messages = Messages::new(Bounds {
        per_account: 3,
        ..Bounds::default()
    });
    for id in ["a", "b", "c"] {
        put(&mut messages, at(0), ALICE, draft("mail", id)).unwrap();
    }
    let full = put(&mut messages, at(0), ALICE, draft("mail", "d"));
    assert_eq!(full, Err(Full::Account));
    messages.read(ALICE, 1);
    messages.delete(ALICE, 2);
    put(&mut messages, at(0), ALICE, draft("mail", "d")).unwrap();
    assert_eq!(seqs(&anything(&messages, 0)), [1, 3, 4]);
    put(&mut messages, at(0), ALICE, draft("mail", "e")).unwrap();
    assert_eq!(seqs(&anything(&messages, 0)), [3, 4, 5]);
    let full = put(&mut messages, at(0), ALICE, draft("mail", "f"));
    assert_eq!(full, Err(Full::Account));
}

#[test]
fn what_everybody_has_gives_way_last_with_the_oldest_first() {
    let mut messages = Messages::new(Bounds {
        per_account: 3,
        ..Bounds::default()
    });
    for id in ["a", "b", "c"] {
        put(&mut messages, at(0), ALICE, draft("mail", id)).unwrap();
    }
    messages.read(ALICE, 3);
    let had = |message: &Message| message.seq <= 2;
    for id in ["d", "e", "f"] {
        let put = messages.put(at(0), ALICE, draft("mail", id), &had);
        assert!(put.is_ok(), "{id}");
    }
    assert_eq!(seqs(&anything(&messages, 0)), [4, 5, 6]);
    let full = messages.put(at(0), ALICE, draft("mail", "g"), &had);
    assert_eq!(full, Err(Full::Account));
}

#[test]
fn a_message_that_finds_no_room_takes_nothing_and_makes_no_account() {
    let small = draft("mail", "a").octets();
    let mut messages = Messages::new(Bounds {
        octets: small * 3,
        octets_per_account: small * 2,
        ..Bounds::default()
    });
    put(&mut messages, at(0), ALICE, draft("mail", "a")).unwrap();
    messages.read(ALICE, 1);
    put(&mut messages, at(0), ALICE, draft("mail", "b")).unwrap();
    let large = |octets: usize| Draft {
        summary: "x".repeat(octets),
        ..draft("mail", "c")
    };
    let full = put(&mut messages, at(0), ALICE, large(small * 2));
    assert_eq!(
        full,
        Err(Full::Account),
        "read messages stay where that is not enough"
    );
    assert_eq!(messages.len(), 2);
    let full = put(&mut messages, at(0), "client:b", large(small));
    assert_eq!(full, Err(Full::Everywhere));
    let changes = messages.take_changes();
    assert!(
        changes
            .iter()
            .all(|change| matches!(change, Change::Saved { .. }))
    );
    let mut bounded = Messages::new(Bounds {
        accounts: 1,
        octets: small,
        ..Bounds::default()
    });
    assert!(put(&mut bounded, at(0), "a", large(small)).is_err());
    assert!(put(&mut bounded, at(0), "b", draft("mail", "a")).is_ok());
}

#[test]
fn names_of_messages_are_those_of_an_author_an_application_and_a_client() {
    let mut messages = Messages::default();
    let by = |who: Author| Draft {
        by: Some(who),
        ..about("mail", "a", "t")
    };
    let to = |client: &str| Draft {
        client: Some(client.to_owned()),
        ..about("mail", "a", "t")
    };
    let (bank, game) = ("bank".to_owned(), "game".to_owned());
    let named = [
        by(Author::Publisher(bank.clone())),
        by(Author::Publisher(game)),
        by(Author::Pusher(bank)),
        about("mail", "a", "t"),
        about("news", "a", "t"),
        to("b"),
        to("c"),
    ];
    for draft in named.clone() {
        let done = put(&mut messages, at(0), ALICE, draft).unwrap();
        assert_eq!((done.repeated, done.replaced), (false, None));
    }
    assert_eq!(messages.len(), named.len());
    for draft in named {
        assert!(put(&mut messages, at(0), ALICE, draft).unwrap().repeated);
    }
}

#[test]
fn a_push_that_an_earlier_version_took_in_is_no_second_message() {
    let mut messages = Messages::default();
    put(&mut messages, at(0), ALICE, draft("mail", "p1/phone")).unwrap();
    let again = Draft {
        by: Some(Author::Pusher("bank".to_owned())),
        ..draft("mail", "p1/phone")
    };
    assert!(put(&mut messages, at(0), ALICE, again).unwrap().repeated);
}

#[test]
fn one_of_the_same_topic_finds_room_in_a_full_account() {
    let mut messages = Messages::new(Bounds {
        per_account: 1,
        ..Bounds::default()
    });
    put(&mut messages, at(0), ALICE, about("mail", "a", "t")).unwrap();
    assert!(put(&mut messages, at(0), ALICE, about("mail", "b", "t")).is_ok());
    assert_eq!(messages.len(), 1);
}

#[test]
fn all_accounts_together_are_bounded_too() {
    let mut messages = Messages::new(Bounds {
        messages: 2,
        accounts: 2,
        ..Bounds::default()
    });
    put(&mut messages, at(0), "a", draft("mail", "1")).unwrap();
    put(&mut messages, at(0), "b", draft("mail", "1")).unwrap();
    let full = put(&mut messages, at(0), "b", draft("mail", "2"));
    assert_eq!(full, Err(Full::Everywhere));
    messages.delete("a", 1);
    let full = put(&mut messages, at(0), "c", draft("mail", "1"));
    assert_eq!(full, Err(Full::Everywhere));
}

#[test]
fn a_number_is_not_given_again_after_its_message_went_and_a_restart() {
    let (mut messages, mut kept) = (Messages::default(), BTreeMap::new());
    let short = Draft {
        expires: Some(at(1)),
        ..draft("mail", "a")
    };
    put(&mut messages, at(0), ALICE, short).unwrap();
    messages.expire(at(2));
    keep(&mut messages, &mut kept);
    let mut again = restarted(&kept);
    let put = put(&mut again, at(3), ALICE, draft("mail", "b")).unwrap();
    assert_eq!(put.seq, 2);
}

#[test]
fn an_account_that_is_dropped_leaves_no_record() {
    let (mut messages, mut kept) = (Messages::default(), BTreeMap::new());
    put(&mut messages, at(0), "client:x", draft("mail", "a")).unwrap();
    messages.clear("client:x", "mail", 1, "x");
    keep(&mut messages, &mut kept);
    assert_eq!(kept.len(), 2);
    messages.drop_account("client:x");
    keep(&mut messages, &mut kept);
    assert!(kept.is_empty() && messages.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Put {
        account: u8,
        app: u8,
        topic: Option<u8>,
        ttl: Option<u8>,
    },
    Offer(u8, u64),
    Read(u8, u64),
    Delete(u8, u64),
    Clear(u8, u8, u64),
    Wait(u8),
    /// A client asks; false when the answer is lost on its way.
    Poll(u8, bool),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (account, app, seq) = (0..2_u8, 0..3_u8, 0..30_u64);
    let put = (
        account.clone(),
        app.clone(),
        prop::option::of(0..2_u8),
        prop::option::of(1..20_u8),
    );
    prop_oneof![
        6 => put.prop_map(|(account, app, topic, ttl)| Step::Put { account, app, topic, ttl }),
        1 => (account.clone(), seq.clone()).prop_map(|(a, s)| Step::Offer(a, s)),
        1 => (account.clone(), seq.clone()).prop_map(|(a, s)| Step::Read(a, s)),
        1 => (account.clone(), seq.clone()).prop_map(|(a, s)| Step::Delete(a, s)),
        1 => (account.clone(), app, seq).prop_map(|(a, p, s)| Step::Clear(a, p, s)),
        1 => (1..10_u8).prop_map(Step::Wait),
        3 => (account, any::<bool>()).prop_map(|(a, ok)| Step::Poll(a, ok)),
        1 => Just(Step::Restart),
    ]
}

const ACCOUNTS: [&str; 2] = ["sip:alice@example.com", "client:b"];
const APPS: [&str; 3] = ["mail", "news", "game"];

fn name(at: u8) -> &'static str {
    ACCOUNTS[usize::from(at)]
}

/// The counters of an account say what a look at all its messages says.
fn counts_are_right(messages: &mut Messages, now: Time, account: &str) {
    messages.expire(now);
    let of = |state| messages.all(account).filter(|m| m.state == state).count();
    let (new, old) = (of(State::Unoffered), of(State::Offered));
    let unread: Vec<u64> = messages
        .all(account)
        .rev()
        .filter(|message| message.state.is_unread())
        .map(|message| message.seq)
        .collect();
    let told = messages.unread(now, account, usize::MAX);
    assert_eq!((told.new, told.old), (new, old));
    let items: Vec<u64> = told.items.iter().map(|message| message.seq).collect();
    assert_eq!(items, unread);
    assert_eq!(told.more(), 0);
}

fn totals_are_right(messages: &Messages) {
    let all = ACCOUNTS.iter().flat_map(|account| messages.all(account));
    let (n, octets) = all.fold((0, 0), |(n, o), m| (n + 1, o + m.octets()));
    assert_eq!((messages.len(), messages.octets()), (n, octets));
}

/// A browser: what it got, and from where it asks next.
#[derive(Default)]
struct Client {
    cursor: u64,
    got: Vec<u64>,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counters_equal_a_scan_and_a_cursor_never_loses_or_repeats(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let (mut messages, mut kept) = (Messages::default(), BTreeMap::new());
        let (mut now, mut n) = (at(1_000), 0_u32);
        let mut clients = [Client::default(), Client::default()];
        for step in steps {
            match step {
                Step::Put { account, app, topic, ttl } => {
                    n += 1;
                    let topic = topic.map(|topic| topic.to_string());
                    let expires = ttl.map(|ttl| now + core::time::Duration::from_secs(ttl.into()));
                    let new = Draft { topic, expires, ..draft(APPS[usize::from(app)], &n.to_string()) };
                    let before = messages.last(name(account));
                    let put = put(&mut messages, now, name(account), new).unwrap();
                    prop_assert_eq!(put.seq, before + 1);
                }
                Step::Offer(account, upto) => { messages.offer(name(account), upto); }
                Step::Read(account, seq) => { messages.read(name(account), seq); }
                Step::Delete(account, seq) => { messages.delete(name(account), seq); }
                Step::Clear(account, app, upto) => {
                    messages.clear(name(account), APPS[usize::from(app)], upto, "a");
                }
                Step::Wait(seconds) => now = now + core::time::Duration::from_secs(seconds.into()),
                Step::Poll(account, arrives) => {
                    // This client is not registered for the third application.
                    let client = &mut clients[usize::from(account)];
                    let wanted = |m: &Message| m.draft.app != "game";
                    let page = messages.after(now, name(account), client.cursor, wanted, |_| true);
                    let due = messages.all(name(account)).filter(|m| {
                        wanted(m) && m.state != State::Deleted && !m.is_expired(now)
                            && !client.got.contains(&m.seq)
                    });
                    prop_assert_eq!(seqs(&page), due.map(|m| m.seq).collect::<Vec<_>>());
                    if arrives {
                        client.got.extend(seqs(&page));
                        client.cursor = page.cursor;
                    }
                }
                Step::Restart => {
                    keep(&mut messages, &mut kept);
                    messages = restarted(&kept);
                }
            }
            for account in ACCOUNTS {
                counts_are_right(&mut messages, now, account);
            }
            totals_are_right(&messages);
            let own = messages.all(ACCOUNTS[0]).filter(|m| m.state != State::Deleted);
            let topics: Vec<_> = own.filter_map(|m| Some((&m.draft.app, m.draft.topic.as_ref()?))).collect();
            let distinct: std::collections::BTreeSet<_> = topics.iter().collect();
            prop_assert_eq!(distinct.len(), topics.len());
        }
    }
}
