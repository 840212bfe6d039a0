//! What one connection is doing, and since when.
//!
//! hyper tells nothing of it, so it is seen from both sides: the service is called when headers are complete and
//! returns when the answer is formed; the stream sees bytes come and go (`stream.rs`). All that happens while
//! the connection's task polls hyper, and [`Connection::poll_limit`], polled after it, knows how long that may
//! last.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::limits::Limits;

/// Why we closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// In favour of another, at the cap.
    Evicted,
    /// The headers did not come in time.
    Headers,
    /// No request came for long.
    Idle,
    /// The TLS handshake did not end in time.
    Handshake,
    /// No TLS could be agreed on.
    HandshakeFailed,
    /// The answer took too long to form.
    Answer,
    /// The peer did not take the answer in time.
    Write,
    /// The server ends.
    Shutdown,
}

impl Reason {
    /// Those that are counted.
    pub const COUNTED: [Reason; 7] = [
        Reason::Evicted,
        Reason::Headers,
        Reason::Idle,
        Reason::Handshake,
        Reason::HandshakeFailed,
        Reason::Answer,
        Reason::Write,
    ];

    /// The value of the label `reason`.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Evicted => "evicted",
            Reason::Headers => "headers_timeout",
            Reason::Idle => "idle_timeout",
            Reason::Handshake => "handshake_timeout",
            Reason::HandshakeFailed => "handshake_failed",
            Reason::Answer => "answer_timeout",
            Reason::Write => "write_timeout",
            Reason::Shutdown => "shutdown",
        }
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Agreeing on TLS.
    Handshake,
    /// No byte of the next request has come.
    Waiting,
    /// Headers are coming.
    Headers,
    /// The answer is being formed.
    Answering,
    /// The answer is being sent.
    Writing,
}

/// What a connection is doing, shared by its task and the table.
#[derive(Debug)]
pub(super) struct Connection {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// When the phase began.
    pub(super) since: Instant,
    /// When the peer last took a byte of the answer.
    pub(super) progress: Instant,
    /// The end of the last answer, or when it was accepted: bytes of headers don't make it younger.
    pub(super) waiting_since: Instant,
    /// Whether a request has been granted on it.
    pub(super) served: bool,
    pub(super) close: Option<Reason>,
    drain: bool,
    waker: Option<Waker>,
}

impl State {
    pub(super) fn enter(&mut self, phase: Phase, now: Instant) {
        (self.phase, self.since, self.progress) = (phase, now, now);
    }

    /// When the phase has lasted too long, and what that is called.
    pub(super) fn deadline(&self, limits: &Limits) -> (Instant, Reason) {
        match self.phase {
            Phase::Handshake => (self.since + limits.handshake, Reason::Handshake),
            Phase::Waiting if self.served => (self.since + limits.idle, Reason::Idle),
            Phase::Waiting | Phase::Headers => (self.since + limits.headers, Reason::Headers),
            Phase::Answering => (self.since + limits.answer, Reason::Answer),
            Phase::Writing => {
                ((self.progress + limits.stalled).min(self.since + limits.write), Reason::Write)
            }
        }
    }

    /// How dispensable it is: the least is closed first. None: not at all, or not yet.
    pub(super) fn rank(&self, limits: &Limits, now: Instant) -> Option<(u8, Instant)> {
        match self.phase {
            Phase::Answering => None,
            Phase::Writing => (self.progress + Duration::from_secs(1) <= now).then_some((2, self.progress)),
            _ if self.served => (self.phase == Phase::Waiting || self.waiting_since + limits.grace <= now)
                .then_some((1, self.waiting_since)),
            _ => (self.waiting_since + limits.grace <= now).then_some((0, self.waiting_since)),
        }
    }
}

impl Connection {
    pub(super) fn new(now: Instant) -> Connection {
        Connection {
            state: Mutex::new(State {
                phase: Phase::Handshake,
                since: now,
                progress: now,
                waiting_since: now,
                served: false,
                close: None,
                drain: false,
                waker: None,
            }),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// TLS is agreed on, or there is none: requests may come.
    pub(super) fn established(&self) {
        self.state().enter(Phase::Waiting, Instant::now());
    }

    /// Bytes have come.
    pub(super) fn read(&self) {
        let mut state = self.state();
        if state.phase == Phase::Waiting {
            state.enter(Phase::Headers, Instant::now());
        }
    }

    /// Headers are complete, the answer is being formed.
    pub(super) fn answering(&self) {
        self.state().enter(Phase::Answering, Instant::now());
    }

    /// The answer is ready. `granted`: it is not a refusal.
    pub(super) fn answered(&self, granted: bool) {
        let mut state = self.state();
        state.served |= granted;
        state.enter(Phase::Writing, Instant::now());
    }

    /// The peer has taken bytes.
    pub(super) fn written(&self) {
        let mut state = self.state();
        if state.phase == Phase::Writing {
            state.progress = Instant::now();
        }
    }

    /// All that was to be sent is sent.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if state.phase == Phase::Writing {
            let now = Instant::now();
            state.enter(Phase::Waiting, now);
            state.waiting_since = now;
        }
    }

    /// Ready when the connection has to be closed. Polled after the connection, which may have changed what it
    /// is doing; `timer` is set to the limit of that.
    pub(super) fn poll_limit(
        &self,
        limits: &Limits,
        mut timer: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Reason> {
        let mut state = self.state();
        if let Some(reason) = state.close {
            return Poll::Ready(reason);
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        let (deadline, reason) = state.deadline(limits);
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.poll(cx).map(|()| reason)
    }

    /// Whether no further request is to be answered.
    pub(super) fn draining(&self) -> bool {
        self.state().drain
    }

    pub(super) fn close(&self, reason: Reason) {
        let mut state = self.state();
        state.close.get_or_insert(reason);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// No further request; at once if none is in progress.
    pub(super) fn drain(&self) {
        let mut state = self.state();
        state.drain = true;
        if !matches!(state.phase, Phase::Answering | Phase::Writing) {
            state.close.get_or_insert(Reason::Shutdown);
        }
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}
