//! The pull process by its instants and its cursor.

use proptest::prelude::*;

use super::*;

fn minute() -> WebPoller {
    WebPoller::new(Duration::from_secs(60), 10)
}

fn answer(status: u16, body: &str) -> Result<HttpResponse, FetchError> {
    Ok(HttpResponse {
        status,
        headers: Vec::new(),
        body: bytes::Bytes::from(body.to_owned()),
    })
}

fn nothing() -> Result<HttpResponse, FetchError> {
    answer(304, "")
}

/// The instants of the questions until `end`, each answered at once.
fn questions(poller: &mut WebPoller, random: &mut Random, end: Time) -> Vec<Time> {
    let mut asked = Vec::new();
    while let Some(now) = poller.deadline().filter(|due| *due <= end) {
        assert_eq!(poller.send(Time::from_micros(now.micros() - 1)), None);
        assert!(poller.send(now).is_some());
        assert_eq!(poller.send(now), None);
        asked.push(now);
        poller.receive(now, random, &nothing()).unwrap();
    }
    asked
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r0_10_r0_11_r0_12_an_hour_at_a_minute_is_sixty_questions_each_in_its_window(seed in any::<u64>()) {
        let (mut poller, mut random) = (minute(), Random::from_number(seed));
        let start = Time::from_secs(1_000);
        poller.start(start, &mut random);
        let asked = questions(&mut poller, &mut random, start + Duration::from_secs(3_600));
        prop_assert!(asked[0].since(start) <= Duration::from_secs(6));
        for pair in asked.windows(2) {
            let pause = pair[1].since(pair[0]).as_secs_f64();
            prop_assert!((54.0..=66.0).contains(&pause), "{pause}");
        }
        prop_assert!((59..=62).contains(&asked.len()), "{}", asked.len());
    }

    #[test]
    fn r0_22_an_advised_interval_is_kept_with_jitter(seed in any::<u64>()) {
        let (mut poller, mut random) = (minute(), Random::from_number(seed));
        poller.start(Time::EPOCH, &mut random);
        let now = poller.deadline().unwrap();
        poller.send(now);
        let packet = answer(200, r#"{"cursor":4,"interval":120,"messages":[]}"#);
        poller.receive(now, &mut random, &packet).unwrap();
        let pause = poller.deadline().unwrap().since(now).as_secs_f64();
        prop_assert!((108.0..=132.0).contains(&pause), "{pause}");
    }
}

#[test]
fn r0_19_a_packet_is_read_and_a_malformed_one_leaves_the_cursor_where_it_is() {
    let (mut poller, mut random) = (minute(), Random::from_number(1));
    let packet = r#"{"cursor":7,"messages":[{"seq":5,"appid":"a","x":1},{"seq":6,"appid":"b"},{"seq":7,"appid":"c"}]}"#;
    let read = poller.receive(Time::EPOCH, &mut random, &answer(200, packet));
    assert_eq!(read.unwrap().messages.len(), 3);
    assert_eq!(poller.cursor(), 7);
    for broken in ["", "{", "[]", r#"{"cursor":9,"messages":[{"seq":9}]}"#] {
        let failed = poller.receive(Time::EPOCH, &mut random, &answer(200, broken));
        assert!(matches!(failed, Err(Failure::Malformed(_))), "{broken}");
        assert_eq!(poller.cursor(), 7);
    }
}

#[test]
fn failures_make_the_pauses_longer_and_a_wish_to_be_left_alone_is_obeyed() {
    let (mut poller, mut random) = (minute(), Random::from_number(1));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let lost = Err(FetchError::Unreachable);
        assert!(poller.receive(Time::EPOCH, &mut random, &lost).is_err());
        pauses.push(poller.deadline().unwrap().secs());
    }
    assert!(
        pauses[0] <= 5 && pauses[1] >= 10 && pauses[7] <= 198,
        "{pauses:?}"
    );
    let mut busy = answer(503, "").unwrap();
    busy.headers
        .push(("retry-after".to_owned(), "300".to_owned()));
    let failed = poller.receive(Time::EPOCH, &mut random, &Ok(busy));
    assert_eq!(failed, Err(Failure::Refused(503)));
    assert!(poller.deadline().unwrap().secs() >= 300);
}
