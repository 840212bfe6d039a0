//! When which endpoint is asked: each every so often, at a moment of its own, never twice at a time, and never because
//! somebody scrapes us.
//!
//! virt-handler answers three scrapes at a time and refuses the fourth (`--max-metric-requests 3`), collects while it
//! answers, up to 10 s, and in KubeVirt up to 1.2 each scrape is a call to every libvirt of the node (later ones keep
//! the figures for 3.25 s). So one of ours is under way at most, and a slow answer puts the next one off.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How often is asked, and how often is looked whom to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cadence {
    /// Between the beginnings of two scrapes of an endpoint.
    pub(crate) interval: Duration,
    /// Between two looks at who there is.
    pub(crate) look: Duration,
    /// Differs from node to node, so that they don't all ask virt-api at once.
    pub(crate) seed: u64,
}

/// The first scrapes of all targets lie within this time, so that figures are soon there. The others are spread over the
/// whole interval.
const FIRST: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
struct Turn {
    /// When it is asked next.
    at: Instant,
    /// A moment of its rhythm.
    phase: Instant,
    under_way: bool,
    wanted: bool,
}

/// What tells this node's moments from those of the others.
pub(crate) fn seed(node: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    hasher.finish()
}

/// Asks until it is dropped.
pub(crate) async fn run<T, A, F>(
    cadence: Cadence,
    mut targets: impl FnMut() -> Vec<T>,
    scrape: impl Fn(&T) -> F,
    mut answered: impl FnMut(&T, A),
) where
    T: Clone + Eq + Hash + Send + 'static,
    A: Send + 'static,
    F: Future<Output = A> + Send + 'static,
{
    let mut turns: HashMap<T, Turn> = HashMap::new();
    let mut under_way = JoinSet::new();
    let mut look = Instant::now();
    loop {
        let now = Instant::now();
        if look <= now {
            look = now + cadence.look;
            turns.values_mut().for_each(|turn| turn.wanted = false);
            for target in targets() {
                let new = Turn::new(&target, now, cadence);
                turns.entry(target).and_modify(|turn| turn.wanted = true).or_insert(new);
            }
            // One that is under way is kept until it ends: it may be wanted again before.
            turns.retain(|_, turn| turn.wanted || turn.under_way);
        }
        let mut next = look;
        for (target, turn) in &mut turns {
            if turn.under_way || !turn.wanted {
                continue;
            }
            if turn.at <= now {
                turn.under_way = true;
                turn.put_off(now, cadence.interval);
                let (target, asked) = (target.clone(), scrape(target));
                under_way.spawn(async move { (target, asked.await) });
            } else {
                next = next.min(turn.at);
            }
        }
        tokio::select! {
            Some(ended) = under_way.join_next(), if !under_way.is_empty() => {
                if let Ok((target, answer)) = ended {
                    let wanted = turns.get_mut(&target).map(|turn| {
                        turn.under_way = false;
                        let now = Instant::now();
                        if turn.at <= now {
                            turn.put_off(now, cadence.interval);
                        }
                        turn.wanted
                    });
                    match wanted {
                        Some(true) => answered(&target, answer),
                        _ => drop(turns.remove(&target)),
                    }
                }
            }
            () = sleep_until(next) => {}
        }
    }
}

/// The next moment of the same rhythm: what was missed is left out.
fn following(at: Instant, now: Instant, interval: Duration) -> Instant {
    if at > now {
        return at;
    }
    let missed = (now - at).as_nanos() / interval.as_nanos().max(1) + 1;
    at + interval.saturating_mul(missed.try_into().unwrap_or(u32::MAX))
}

impl Turn {
    fn new(target: &impl Hash, now: Instant, cadence: Cadence) -> Turn {
        let mut hasher = DefaultHasher::new();
        (cadence.seed, target).hash(&mut hasher);
        let within =
            |time: Duration| Duration::from_micros(hasher.finish() % (time.as_micros() as u64).max(1));
        Turn {
            at: now + within(FIRST.min(cadence.interval)),
            phase: now + within(cadence.interval),
            under_way: false,
            wanted: true,
        }
    }

    /// To the next moment of its rhythm that leaves some room.
    fn put_off(&mut self, now: Instant, interval: Duration) {
        self.at = following(self.phase, now + interval / 4, interval);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const CADENCE: Cadence =
        Cadence { interval: Duration::from_secs(30), look: Duration::from_secs(5), seed: 1 };

    /// On a clock that jumps to the next moment at which something happens.
    fn run_for(time: Duration, work: impl Future<Output = ()>) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let _ = tokio::time::timeout(time, work).await;
        });
    }

    #[test]
    fn each_is_asked_once_an_interval_and_not_all_at_once() {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let noted = asked.clone();
        run_for(Duration::from_secs(300), async move {
            let begun = Instant::now();
            run(
                CADENCE,
                || (0..20).collect(),
                |_| async {},
                move |target: &i32, ()| noted.borrow_mut().push((*target, begun.elapsed())),
            )
            .await;
        });
        let asked = asked.borrow();
        let mut rhythms = Vec::new();
        for target in 0..20 {
            let moments: Vec<_> =
                asked.iter().filter(|(other, _)| *other == target).map(|(_, at)| at.as_secs_f64()).collect();
            assert!(moments[0] <= FIRST.as_secs_f64() + 0.1, "{moments:?}");
            let gaps: Vec<_> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps[0] > 7.0 && gaps[0] < 38.0, "{gaps:?}");
            assert!(gaps[1..].iter().all(|gap| (gap - 30.0).abs() < 0.1) && gaps.len() >= 9, "{gaps:?}");
            rhythms.push(moments[2] % 30.0);
        }
        let crowd = |from: f64| rhythms.iter().filter(|at| (from..from + 5.0).contains(*at)).count();
        assert!((0..26).all(|from| crowd(f64::from(from)) <= 10), "{rhythms:?}");
    }

    #[test]
    fn one_that_hangs_is_not_asked_again_and_holds_up_nobody() {
        let (hanging, others) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (started, ended) = (hanging.clone(), others.clone());
        run_for(
            Duration::from_secs(300),
            run(
                CADENCE,
                || vec!["hangs", "answers"],
                move |target| {
                    let hangs = *target == "hangs";
                    if hangs {
                        started.fetch_add(1, Ordering::Relaxed);
                    }
                    async move {
                        if hangs {
                            std::future::pending::<()>().await;
                        }
                    }
                },
                move |_: &&str, ()| {
                    ended.fetch_add(1, Ordering::Relaxed);
                },
            ),
        );
        assert_eq!(hanging.load(Ordering::Relaxed), 1);
        assert!((10..=11).contains(&others.load(Ordering::Relaxed)));
    }

    #[test]
    fn who_is_gone_is_asked_no_more_and_who_comes_is_asked_soon() {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let noted = asked.clone();
        run_for(Duration::from_secs(200), async move {
            let begun = Instant::now();
            run(
                CADENCE,
                || vec![if begun.elapsed() < Duration::from_secs(100) { "old" } else { "new" }],
                |_| async {},
                move |target: &&str, ()| noted.borrow_mut().push((*target, begun.elapsed().as_secs())),
            )
            .await;
        });
        let asked = asked.borrow();
        assert!(
            asked.iter().all(|(target, at)| if *target == "old" { *at < 105 } else { *at >= 100 }),
            "{asked:?}"
        );
        assert!(asked.iter().any(|(target, at)| *target == "new" && *at <= 110), "{asked:?}");
    }

    #[test]
    fn what_was_missed_is_left_out() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(following(start, start + 95 * second, 30 * second), start + 120 * second);
        assert_eq!(following(start, start, 30 * second), start + 30 * second);
        assert_eq!(following(start + second, start, 30 * second), start + second);
    }
}
