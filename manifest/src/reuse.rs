//! How instances are reused, in the words of Spin: a number or a time, or a range of them such as `1..8`, from
//! which each instance gets one. The end of a range is not in it.
//!
//! The same texts stand in `[component.ID.tool.deps.reuse]` and after the flags of `up`, so both are read here.

use std::{ops::RangeInclusive, time::Duration};

/// `[component.ID.tool.deps.reuse]`: limits on the instances of a `wasi:http/handler@0.3` component. What is not
/// said is left to the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceReuse {
    /// `max_count`: the number of requests that one instance answers in its life.
    pub requests: Option<RangeInclusive<usize>>,
    /// `max_concurrent`: the number of requests that one instance works on at a time.
    pub concurrent: Option<RangeInclusive<usize>>,
    /// `idle_timeout`: how long an instance waits for another request.
    pub idle: Option<RangeInclusive<Duration>>,
}

impl InstanceReuse {
    /// A new instance for every request.
    pub fn none() -> Self {
        Self { requests: Some(1..=1), concurrent: Some(1..=1), idle: None }
    }

    /// What this says, and where it says nothing, what `other` does.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.clone().or_else(|| other.requests.clone()),
            concurrent: self.concurrent.clone().or_else(|| other.concurrent.clone()),
            idle: self.idle.clone().or_else(|| other.idle.clone()),
        }
    }

    /// Reads a count: `8`, or `1..8` for one from 1 to 7.
    ///
    /// # Errors
    /// With what is wrong with it, in a few words.
    pub fn count(text: &str) -> Result<RangeInclusive<usize>, &'static str> {
        const WRONG: &str = "it is neither a number above 0 nor a range such as `1..8`";
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0).ok_or(WRONG);
        match text.split_once("..") {
            None => number(text).map(|number| number..=number),
            Some((from, to)) => {
                let (from, to): (usize, usize) = (number(from)?, number(to)?);
                if from < to { Ok(from..=to - 1) } else { Err(EMPTY) }
            }
        }
    }

    /// Reads a time: `2`, `2s`, `500ms`, `20us` or `9ns`, or a range of them such as `100ms..2s`.
    ///
    /// # Errors
    /// With what is wrong with it, in a few words.
    pub fn time(text: &str) -> Result<RangeInclusive<Duration>, &'static str> {
        match text.split_once("..") {
            None => duration(text).map(|time| time..=time),
            Some((from, to)) => {
                let (from, to) = (duration(from)?, duration(to)?);
                if from < to { Ok(from..=to.saturating_sub(Duration::from_nanos(1))) } else { Err(EMPTY) }
            }
        }
    }
}

const EMPTY: &str = "its range is empty";

fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "it is neither a time such as `2s` or `500ms` nor a range such as `1s..5s`";
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    Ok(match unit {
        "" | "s" => Duration::from_secs(number),
        "ms" => Duration::from_millis(number),
        "us" | "μs" => Duration::from_micros(number),
        "ns" => Duration::from_nanos(number),
        _ => return Err(WRONG),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_times_are_one_or_a_range() {
        assert_eq!(InstanceReuse::count("128"), Ok(128..=128));
        assert_eq!(InstanceReuse::count("1..8"), Ok(1..=7));
        for wrong in ["", "0", "0..4", "-1", "1..", "..8", "many", "1...8"] {
            assert!(InstanceReuse::count(wrong).is_err(), "{wrong}");
        }
        let milliseconds = Duration::from_millis;
        for (text, time) in
            [("2", 2000), ("2s", 2000), ("500ms", 500), ("3000us", 3), ("3000μs", 3), ("5000000ns", 5)]
        {
            assert_eq!(InstanceReuse::time(text), Ok(milliseconds(time)..=milliseconds(time)), "{text}");
        }
        let range = InstanceReuse::time("500ms..2s").unwrap();
        assert!(range.contains(&milliseconds(1999)) && !range.contains(&milliseconds(2000)));
        for wrong in ["", "s", "1m", "1.5s", "-1s", "2s..1s", "1s..1s", "99999999999999999999s"] {
            assert!(InstanceReuse::time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_said_first_counts() {
        let flags = InstanceReuse { concurrent: Some(4..=4), ..InstanceReuse::default() };
        let both = flags.or(&InstanceReuse::none());
        assert_eq!(both, InstanceReuse { requests: Some(1..=1), concurrent: Some(4..=4), idle: None });
    }
}
