//! When to ask again, and when to stop.
//!
//! A request that only reads is repeated when the connection broke or the server said that it cannot answer now
//! (408, 429, 5xx); any other answer is an answer. The pauses double, and a part of each is left to chance, so that
//! fifty tasks that were turned away together do not come back together. Where the server names a pause
//! (`Retry-After`), that is kept to, unless it is longer than anyone would wait: then its answer is final.
//!
//! Counting attempts bounds nothing as long as one attempt may take for ever: all that one small operation does is
//! paid from one [`Budget`] of time. What is paid for is waiting for servers, not for the user's own programs or for
//! other tasks.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use tokio::time::Instant;

/// How often a request is made, at most.
pub(crate) const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The time that one operation may still wait for servers.
#[derive(Debug)]
pub(crate) struct Budget {
    whole: Duration,
    left: Duration,
}

impl Budget {
    pub(crate) fn new(whole: Duration) -> Self {
        Self { whole, left: whole }
    }

    /// The outcome of `work`, or what to say if it takes longer than the time that is left.
    pub(crate) async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, String> {
        let begun = Instant::now();
        let outcome = tokio::time::timeout(self.left, work).await;
        self.left = self.left.saturating_sub(begun.elapsed());
        outcome.map_err(|_| format!("it did not answer within {}", in_words(self.whole)))
    }

    /// Waits before the attempt that follows `made` others, as long as the server `asked` for; `false`, without
    /// waiting, if there is not the time for it.
    pub(crate) async fn pause(&mut self, made: u32, asked: Option<Duration>) -> bool {
        let pause = pause(made, asked);
        if pause >= self.left {
            return false;
        }
        self.left -= pause;
        tracing::debug!(?pause, made, "trying again");
        tokio::time::sleep(pause).await;
        true
    }
}

fn in_words(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (0, milliseconds) => format!("{milliseconds} milliseconds"),
        (1, _) => "one second".to_owned(),
        (seconds, _) => format!("{seconds} seconds"),
    }
}

/// The pause before the attempt that follows `made` others: what the server asked for and a little more, or one that
/// doubles with each attempt, half of it by chance.
pub(crate) fn pause(made: u32, asked: Option<Duration>) -> Duration {
    let usual = FIRST_PAUSE * (1 << made.saturating_sub(1).min(5));
    let chance = (usual / 2).mul_f64(fastrand::f64());
    asked.unwrap_or(usual / 2) + chance
}

/// Whether the status says that the same request may succeed later.
pub(crate) fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The pause that the server asks for: seconds, or a date, which is read against the server's own clock where it
/// tells ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    Some(until.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default())
}

/// The same in whole seconds, for messages.
pub(crate) fn retry_after_seconds(headers: &HeaderMap) -> Option<u64> {
    retry_after(headers).map(|pause| pause.as_secs() + u64::from(pause.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_as_a_date_by_the_servers_clock() {
        let asked = |value| retry_after(&headers(&[(RETRY_AFTER, value)]));
        assert_eq!(asked(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO), "long ago");
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
        let slow_clock = headers(&[
            (DATE, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (RETRY_AFTER, "Wed, 21 Oct 2015 07:28:05 GMT"),
        ]);
        assert_eq!(retry_after(&slow_clock), Some(Duration::from_secs(5)));
        let future = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let headers: HeaderMap =
            [(RETRY_AFTER, HeaderValue::from_str(&future).unwrap())].into_iter().collect();
        assert!((90..=100).contains(&retry_after_seconds(&headers).unwrap()));
    }

    #[tokio::test]
    async fn a_budget_is_spent_by_attempts_and_pauses_together() {
        let mut budget = Budget::new(Duration::from_millis(500));
        assert_eq!(budget.run(async { 1 }).await, Ok(1));
        assert!(!budget.pause(1, Some(Duration::from_mins(1))).await, "longer than all");
        assert!(budget.pause(1, Some(Duration::from_millis(300))).await);
        assert!(!budget.pause(1, Some(Duration::from_millis(300))).await, "more than what is left");
        let spent = budget.run(std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(spent, "it did not answer within 500 milliseconds");
        assert_eq!(budget.left, Duration::ZERO);
        assert!(!budget.pause(1, None).await);
    }

    proptest! {
        #[test]
        fn pauses_grow_vary_and_stay_short(made in 0u32..1000) {
            let pause = pause(made, None);
            prop_assert!(pause >= FIRST_PAUSE / 2 && pause <= Duration::from_millis(3200));
            prop_assert!(super::pause(made, Some(Duration::from_secs(3))) >= Duration::from_secs(3));
        }
    }
}
