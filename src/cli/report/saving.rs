//! What each way to hear of messages costs, and how late it is: a model over the instants of a site's own requests.
//!
//! **Source:** requirements R4.48 to R4.50, services design section 9.4. The recording goes on as it was, so that after its last
//! request comes its first. A message whose instant is not known comes at any instant with the same chance; mean and
//! quantile are then computed, not drawn.

/// What one way costs and takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    /// Requests an hour beyond those of the site.
    pub(super) requests: f64,
    /// Octets an hour beyond those of the site.
    pub(super) octets: f64,
    /// How late a message is known, in seconds, in the mean.
    pub(super) mean: f64,
    /// How late 95 of 100 messages are known at the latest, in seconds.
    pub(super) most: f64,
}

/// Octets of each part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Octets {
    /// One poll without news, both ways.
    pub(super) poll: f64,
    /// What one request and its response bear, whether there is news or not.
    pub(super) idle: f64,
    /// What a message adds to that, once.
    pub(super) message: f64,
    /// To open an event stream.
    pub(super) open: f64,
    /// One message on it.
    pub(super) event: f64,
    /// One sign of life on it, every fifteen seconds.
    pub(super) beat: f64,
}

/// A recording.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// When requests begin, in seconds since the recording began, ascending.
    pub(super) requests: Vec<f64>,
    /// How long it lasts, in seconds.
    pub(super) period: f64,
    /// Messages an hour.
    pub(super) messages: f64,
    /// When messages came, where that is known, in seconds since the recording began.
    pub(super) instants: Option<Vec<f64>>,
    /// What things cost.
    pub(super) octets: Octets,
}

const HOUR: f64 = 3_600.0;
/// Signs of life of an event stream an hour.
const BEATS: f64 = HOUR / 15.0;
const QUANTILE: f64 = 0.95;

impl Trace {
    /// Business requests an hour.
    pub(super) fn rate(&self) -> f64 {
        count(self.requests.len()) * HOUR / self.period
    }

    /// A request every so many seconds, for the sake of messages alone.
    pub(super) fn poll(&self, every: f64) -> Cost {
        let requests = HOUR / every;
        Cost {
            requests,
            octets: requests * self.octets.poll + self.messages * self.octets.message,
            // The poll knows nothing of messages: each comes anywhere between two of them.
            mean: every / 2.0,
            most: every * QUANTILE,
        }
    }

    /// A stream of events.
    pub(super) fn stream(&self) -> Cost {
        let octets = &self.octets;
        Cost {
            requests: 1.0,
            octets: octets.open + self.messages * octets.event + BEATS * octets.beat,
            mean: 0.0,
            most: 0.0,
        }
    }

    /// On the site's own responses, and where there is a fallback, on a request after so many silent seconds.
    pub(super) fn riding(&self, fallback: Option<f64>) -> Cost {
        let asked = match fallback {
            Some(silence) => self.with_fallback(silence),
            None => self.requests.clone(),
        };
        let own = count(asked.len().saturating_sub(self.requests.len()));
        let requests = own * HOUR / self.period;
        let octets = &self.octets;
        let (mean, most) = self.delays(&asked);
        Cost {
            requests,
            octets: self.rate() * octets.idle
                + self.messages * octets.message
                + requests * octets.poll,
            mean,
            most,
        }
    }

    /// The requests with those after silence among them.
    fn with_fallback(&self, silence: f64) -> Vec<f64> {
        let mut all = Vec::new();
        for (begin, gap) in self.gaps(&self.requests) {
            all.push(begin);
            let mut next = silence;
            // A request that comes just then makes the fallback needless.
            while next < gap {
                all.push((begin + next) % self.period);
                next += silence;
            }
        }
        all.sort_by(f64::total_cmp);
        all
    }

    /// Each instant, and how long it is until the next one.
    fn gaps(&self, instants: &[f64]) -> Vec<(f64, f64)> {
        let Some(first) = instants.first() else {
            return Vec::new();
        };
        let again = first + self.period;
        let next = instants.iter().skip(1).chain([&again]);
        let pairs = instants.iter().zip(next);
        pairs.map(|(begin, end)| (*begin, end - begin)).collect()
    }

    /// Mean and quantile of the time from a message to the next of these instants.
    fn delays(&self, asked: &[f64]) -> (f64, f64) {
        match &self.instants {
            Some(messages) if !messages.is_empty() => self.known(asked, messages),
            _ => self.anywhere(asked),
        }
    }

    fn known(&self, asked: &[f64], messages: &[f64]) -> (f64, f64) {
        let Some(first) = asked.first() else {
            return (f64::INFINITY, f64::INFINITY);
        };
        let late = |message: &f64| {
            let next = asked.iter().find(|at| *at >= message);
            next.copied().unwrap_or(first + self.period) - message
        };
        let mut delays: Vec<f64> = messages.iter().map(late).collect();
        delays.sort_by(f64::total_cmp);
        let mean = delays.iter().sum::<f64>() / count(delays.len());
        // The least delay that 95 of 100 do not pass.
        let rank = delays.len().saturating_mul(95).div_ceil(100).max(1);
        let most = delays.get(rank.saturating_sub(1)).copied();
        (mean, most.unwrap_or(mean))
    }

    /// The same for messages that come anywhere: of a gap of g seconds, each delay up to g is as likely.
    fn anywhere(&self, asked: &[f64]) -> (f64, f64) {
        let gaps = self.gaps(asked);
        if gaps.is_empty() {
            return (f64::INFINITY, f64::INFINITY);
        }
        let squares: f64 = gaps.iter().map(|(_, gap)| gap * gap).sum();
        let mean = squares / (2.0 * self.period);
        // The share of messages that are later falls steadily with the delay, so that halving finds the delay.
        let later = |delay: f64| {
            let rest = gaps.iter().map(|(_, gap)| (gap - delay).max(0.0));
            rest.sum::<f64>() / self.period
        };
        let (mut low, mut high) = (0.0, self.period);
        for _ in 0..64 {
            let middle = f64::midpoint(low, high);
            if later(middle) > 1.0 - QUANTILE {
                low = middle;
            } else {
                high = middle;
            }
        }
        (mean, high)
    }
}

/// A count as a number to reckon with; there are never so many that one is lost.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCTETS: Octets = Octets {
        poll: 870.0,
        idle: 61.0,
        message: 42.0,
        open: 914.0,
        event: 76.0,
        beat: 8.0,
    };

    fn trace(requests: &[f64], instants: Option<&[f64]>) -> Trace {
        Trace {
            requests: requests.to_vec(),
            period: 100.0,
            messages: 6.0,
            instants: instants.map(<[f64]>::to_vec),
            octets: OCTETS,
        }
    }

    fn near(cost: Cost, requests: f64, octets: f64, mean: f64, most: f64) {
        let pairs = [
            (cost.requests, requests),
            (cost.octets, octets),
            (cost.mean, mean),
            (cost.most, most),
        ];
        let is_so = pairs.iter().all(|(own, other)| (own - other).abs() < 1e-6);
        assert!(is_so, "{cost:?}");
    }

    #[test]
    fn polling_and_streams_cost_the_same_whatever_the_site_does() {
        let trace = trace(&[0.0], None);
        near(trace.poll(10.0), 360.0, 313_452.0, 5.0, 9.5);
        near(trace.poll(60.0), 60.0, 52_452.0, 30.0, 57.0);
        near(trace.stream(), 1.0, 914.0 + 456.0 + 1_920.0, 0.0, 0.0);
    }

    #[test]
    fn r4_48_what_rides_along_is_the_sooner_the_more_is_asked() {
        // Gaps of 20 and 80 seconds: the mean is (400 + 6400) / 200; 5 of 100 seconds are later than 75.
        near(
            trace(&[10.0, 30.0], None).riding(None),
            0.0,
            72.0 * 61.0 + 252.0,
            34.0,
            75.0,
        );
        let busy: Vec<f64> = (0..100).map(f64::from).collect();
        near(
            trace(&busy, None).riding(None),
            0.0,
            3_600.0 * 61.0 + 252.0,
            0.5,
            0.95,
        );
    }

    #[test]
    fn a_fallback_asks_in_every_silence_and_never_beside_a_request() {
        // Of the gap of 80 seconds two times 30 are silent; that of 20 is short.
        let cost = trace(&[10.0, 30.0], None).riding(Some(30.0));
        let octets = 72.0 * 61.0 + 252.0 + 72.0 * 870.0;
        // What is left are gaps of 20, 30, 30 and 20 seconds.
        near(cost, 72.0, octets, 13.0, 27.5);
        assert_eq!(trace(&[0.0, 50.0], None).riding(Some(50.0)).requests, 0.0);
    }

    #[test]
    fn known_messages_are_late_by_what_is_left_until_the_next_request() {
        let cost = trace(&[10.0, 30.0], Some(&[10.0, 12.0, 95.0])).riding(None);
        near(
            cost,
            0.0,
            72.0 * 61.0 + 252.0,
            (0.0 + 18.0 + 15.0) / 3.0,
            18.0,
        );
    }

    #[test]
    fn without_a_request_nothing_ever_comes() {
        let cost = trace(&[], None).riding(None);
        assert!(cost.mean.is_infinite() && cost.most.is_infinite());
    }
}
