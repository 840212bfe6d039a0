//! Messages that a real kernel sent, for tests: see the head of each file in `captured/`. They are in the byte
//! order of the machine that they were captured on, and so are the tests that read them.

/// A datagram of the process connector.
pub(super) fn process_connector(name: &str) -> Vec<u8> {
    datagram(include_str!("captured/process-connector.txt"), name)
}

/// A datagram of taskstats.
pub(super) fn taskstats(name: &str) -> Vec<u8> {
    datagram(include_str!("captured/taskstats.txt"), name)
}

fn datagram(text: &str, name: &str) -> Vec<u8> {
    let digits: String = text
        .lines()
        .skip_while(|line| *line != name)
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .map(str::trim)
        .collect();
    assert!(!digits.is_empty(), "there is no message `{name}`");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
