//! The open connections, what each is doing, and which has to go.
//!
//! There is one thread and little memory, so connections are capped. A peer that connects and says nothing, or
//! a byte a second, must not keep a scraper out: at the cap the connection that has waited longest for a request
//! is closed in favour of the new one. First those that never asked for anything that was granted, then those
//! between two requests, then those whose peer takes no bytes. A connection whose answer is being formed is
//! never closed for another; with 64 of them the new one waits in the kernel's queue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::connection::{Connection, Reason};
use super::limits::Limits;
use super::metrics::WebMetrics;

/// All open connections.
#[derive(Debug)]
pub(super) struct Connections {
    table: Mutex<Table>,
    left: Notify,
    limits: Limits,
    metrics: WebMetrics,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Arc<Connection>>,
}

/// An entry in the table; it leaves it when dropped.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it is doing.
    pub connection: Arc<Connection>,
    number: u64,
    connections: Arc<Connections>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        if table.open.remove(&self.number).is_some() {
            self.connections.metrics.connections.dec();
        }
        self.connections.left.notify_waiters();
    }
}

impl Connections {
    /// None yet.
    pub(super) fn new(limits: Limits, metrics: WebMetrics) -> Connections {
        Connections { table: Mutex::default(), left: Notify::new(), limits, metrics }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a new connection. At the cap another is closed for it, or it waits until one can be.
    pub(super) async fn enter(self: &Arc<Connections>) -> Entry {
        loop {
            let left = self.left.notified();
            if let Some(entry) = self.enter_now(Instant::now()) {
                return entry;
            }
            // What is dispensable changes with time alone, and nobody tells us.
            let _ = tokio::time::timeout(Duration::from_millis(10), left).await;
        }
    }

    fn enter_now(self: &Arc<Connections>, now: Instant) -> Option<Entry> {
        let mut table = self.table();
        if table.open.len() >= self.limits.connections.max(1) {
            // It leaves the table at once, and its socket is closed when its task runs next, before ours.
            let number = self.most_dispensable(&table, now)?;
            if let Some(connection) = table.open.remove(&number) {
                connection.close(Reason::Evicted);
                self.metrics.connections.dec();
            }
        }
        let number = table.next;
        table.next += 1;
        let connection = Arc::new(Connection::new(now));
        table.open.insert(number, connection.clone());
        self.metrics.connections.inc();
        Some(Entry { connection, number, connections: self.clone() })
    }

    fn most_dispensable(&self, table: &Table, now: Instant) -> Option<u64> {
        let ranked = table.open.iter().filter_map(|(&number, connection)| {
            connection.state().rank(&self.limits, now).map(|(class, since)| (class, since, number))
        });
        ranked.min().map(|(_, _, number)| number)
    }

    /// Closes the most dispensable connection: for want of file descriptors.
    pub(super) fn evict(&self) {
        let table = self.table();
        if let Some(connection) =
            self.most_dispensable(&table, Instant::now()).and_then(|number| table.open.get(&number))
        {
            connection.close(Reason::Evicted);
        }
    }

    /// Lets answers in progress end, for as long as the limit allows.
    pub(super) async fn drain(&self) {
        for connection in self.table().open.values() {
            connection.drain();
        }
        let empty = async {
            loop {
                let left = self.left.notified();
                if self.table().open.is_empty() {
                    return;
                }
                left.await;
            }
        };
        if tokio::time::timeout(self.limits.drain, empty).await.is_err() {
            for connection in self.table().open.values() {
                connection.close(Reason::Shutdown);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::connection::Phase;

    /// A table of `cap` connections with a grace of 250 ms, and a time to step from.
    fn table(cap: usize) -> (Arc<Connections>, Instant) {
        let limits = Limits { connections: cap, ..Limits::default() };
        (Arc::new(Connections::new(limits, WebMetrics::new().unwrap())), Instant::now())
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Sets what a connection is doing, since when.
    fn put(entry: &Entry, phase: Phase, since: Instant, served: bool) {
        let mut state = entry.connection.state();
        state.enter(phase, since);
        (state.waiting_since, state.served) = (since, served);
    }

    fn closed(entry: &Entry) -> bool {
        entry.connection.state().close == Some(Reason::Evicted)
    }

    #[test]
    fn below_the_cap_nobody_has_to_go() {
        let (table, start) = table(3);
        let entries = [0, 1, 2].map(|at| table.enter_now(start + ms(at)).unwrap());
        assert!(!entries.iter().any(closed));
        assert_eq!(table.metrics.connections.get(), 3);
        drop(entries);
        assert_eq!(table.metrics.connections.get(), 0);
    }

    #[test]
    fn at_the_cap_a_new_connection_is_left_in_peace_for_a_round_trip() {
        let (table, start) = table(1);
        let first = table.enter_now(start).unwrap();
        put(&first, Phase::Waiting, start, false);
        assert!(table.enter_now(start + ms(249)).is_none());
        assert!(!closed(&first));
        let _second = table.enter_now(start + ms(250)).unwrap();
        assert!(closed(&first));
        assert_eq!(table.metrics.connections.get(), 1);
        drop(first);
        assert_eq!(table.metrics.connections.get(), 1);
    }

    #[test]
    fn the_peer_that_never_asked_goes_first_then_the_one_that_waited_longest() {
        let (table, start) = table(4);
        let [answering, scraper, silent, late] =
            [0, 0, 0, 0].map(|at| table.enter_now(start + ms(at)).unwrap());
        put(&answering, Phase::Answering, start, true);
        put(&scraper, Phase::Waiting, start + ms(10), true);
        put(&silent, Phase::Headers, start + ms(20), false);
        put(&late, Phase::Waiting, start + ms(30), true);
        let now = start + ms(1000);
        let fifth = table.enter_now(now).unwrap();
        assert!(closed(&silent));
        put(&fifth, Phase::Answering, now, true);
        let sixth = table.enter_now(now).unwrap();
        assert!(closed(&scraper) && !closed(&late));
        put(&sixth, Phase::Answering, now, true);
        let _seventh = table.enter_now(now).unwrap();
        assert!(closed(&late) && !closed(&answering));
    }

    #[test]
    fn an_answer_in_progress_is_never_given_up_for_another() {
        let (table, start) = table(2);
        let [one, two] = [0, 0].map(|at| table.enter_now(start + ms(at)).unwrap());
        put(&one, Phase::Answering, start, false);
        put(&two, Phase::Writing, start, true);
        assert!(table.enter_now(start + ms(999)).is_none());
        let third = table.enter_now(start + ms(1000)).unwrap();
        assert!(closed(&two) && !closed(&one), "the peer has taken nothing for a second");
        put(&third, Phase::Answering, start, false);
        assert!(table.enter_now(start + ms(3_600_000)).is_none());
    }

    #[test]
    fn a_trickle_of_header_bytes_does_not_make_a_connection_younger() {
        let (table, start) = table(1);
        let entry = table.enter_now(start).unwrap();
        put(&entry, Phase::Waiting, start, false);
        entry.connection.read();
        assert_eq!(entry.connection.state().waiting_since, start);
        let since = entry.connection.state().since;
        entry.connection.read();
        assert_eq!(entry.connection.state().since, since);
    }

    #[test]
    fn each_phase_has_its_limit() {
        let (table, start) = table(1);
        let entry = table.enter_now(start).unwrap();
        for (phase, served, limit, reason) in [
            (Phase::Handshake, false, 5, Reason::Handshake),
            (Phase::Waiting, false, 5, Reason::Headers),
            (Phase::Waiting, true, 120, Reason::Idle),
            (Phase::Headers, true, 5, Reason::Headers),
            (Phase::Answering, true, 30, Reason::Answer),
            (Phase::Writing, true, 10, Reason::Write),
        ] {
            put(&entry, phase, start, served);
            let expected = (start + Duration::from_secs(limit), reason);
            assert_eq!(entry.connection.state().deadline(&table.limits), expected, "{phase:?}");
        }
        entry.connection.state().progress = start + Duration::from_secs(55);
        let expected = (start + Duration::from_secs(60), Reason::Write);
        assert_eq!(entry.connection.state().deadline(&table.limits), expected, "a trickle ends too");
    }
}
