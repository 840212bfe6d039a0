//! `/proc/loadavg`: how many tasks want to run.
//!
//! `0.43 0.52 0.58 1/193 13006` (`fs/proc/loadavg.c`): averages over 1, 5 and 15 minutes of the tasks that
//! run or sleep uninterruptibly, then tasks that can run now / all tasks (threads, not processes), then the
//! newest pid, which is not used.

use serde::{Deserialize, Serialize};

use super::scan::{Words, fraction, number};
use crate::error::Malformed;

/// What is used of `/proc/loadavg`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadAvg {
    /// Tasks, average of about 1 minute.
    pub one: f64,
    /// Tasks, average of about 5 minutes.
    pub five: f64,
    /// Tasks, average of about 15 minutes.
    pub fifteen: f64,
    /// Threads that run or could run at this moment.
    pub running: u32,
    /// Threads that exist, those of the kernel too.
    pub threads: u32,
}

/// Reads the text of `/proc/loadavg`.
pub fn parse(text: &[u8]) -> Result<LoadAvg, Malformed> {
    let mut words = Words::of(1, text);
    let one = fraction(1, "the 1 minute average", words.word("the 1 minute average")?)?;
    let five = fraction(1, "the 5 minute average", words.word("the 5 minute average")?)?;
    let fifteen = fraction(1, "the 15 minute average", words.word("the 15 minute average")?)?;
    let (running, threads) = words.pair("running/threads", b'/')?;
    Ok(LoadAvg {
        one,
        five,
        fifteen,
        running: number(1, "running", running)?,
        threads: number(1, "threads", threads)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_real_node_is_read() {
        let expected = LoadAvg { one: 0.43, five: 0.52, fifteen: 0.58, running: 1, threads: 193 };
        assert_eq!(parse(b"0.43 0.52 0.58 1/193 13006\n"), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, what) in [
            ("", "the 1 minute average is missing"),
            ("0.43 0.52 x 1/193 13006\n", "the 15 minute average is not a number: `x`"),
            ("0.43 0.52 0.58 193 13006\n", "running/threads has no `/`"),
            ("0.43 0.52 0.58 1/ 13006\n", "threads is not a number: ``"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().what, what, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn text_like_it_does_not_panic(text in "([0-9.]{1,12}|/| ){0,12}") {
            let _ = parse(text.as_bytes());
        }
    }
}
