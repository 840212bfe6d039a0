//! Who may read: basic authentication against bcrypt hashes.
//!
//! A check costs 50 ms of a core at bcrypt's usual cost of 10, a scrape a hundredth of that. So a pair that was
//! verified is remembered (the toolkit does the same, `web/handler.go`), by a keyed hash, not the password.
//! Checks run one at a time on another thread, and few may wait, per address fewer: a flood of wrong passwords
//! delays other first requests a little and remembered users not at all. An unknown name is checked against the
//! hash of somebody, so that time does not tell which names exist.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::credentials::Credentials;

/// Verdicts that are remembered, of either kind.
const REMEMBERED: usize = 64;
/// Checks that run or wait, in all and for one address.
const WAITING: usize = 16;
const WAITING_PER_ADDRESS: usize = 4;

/// Whether a request may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Name and password are right.
    Granted,
    /// They are wrong, or absent.
    Refused,
    /// Too many checks are waiting.
    Busy,
}

/// Checks names and passwords.
#[derive(Debug)]
pub(super) struct Authenticator {
    known: Mutex<Verdicts>,
    waiting: Arc<Mutex<HashMap<IpAddr, usize>>>,
    turn: Arc<Semaphore>,
}

impl Default for Authenticator {
    fn default() -> Authenticator {
        Authenticator { known: Mutex::default(), waiting: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Authenticator {
    /// Checks the value of an `Authorization` header that came from `peer`. Whoever it is, if there are no
    /// users.
    pub(super) async fn check(
        &self,
        users: &BTreeMap<String, Arc<str>>,
        header: Option<&[u8]>,
        peer: IpAddr,
    ) -> Verdict {
        let Some((_, anybody)) = users.first_key_value() else { return Verdict::Granted };
        let Some(credentials) = header.and_then(Credentials::parse) else { return Verdict::Refused };
        let user = std::str::from_utf8(&credentials.name).ok().and_then(|name| users.get(name));
        let (is_user, hash) = (user.is_some(), user.unwrap_or(anybody).clone());
        let tag = self.known().tag(&credentials, is_user, &hash);
        let known = self.known().verdict(tag);
        if let Some(right) = known {
            return verdict(right);
        }
        let Some(place) = Place::take(&self.waiting, peer) else { return Verdict::Busy };
        let Ok(turn) = self.turn.clone().acquire_owned().await else { return Verdict::Busy };
        // Another request with the same pair may have been before us in the queue.
        let known = self.known().verdict(tag);
        if let Some(right) = known {
            return verdict(right);
        }
        let checked = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the client has left by then.
            let _held = (place, turn);
            bcrypt::verify(&credentials.password, &hash).unwrap_or(false)
        });
        let right = checked.await.unwrap_or(false) && is_user;
        self.known().remember(tag, right);
        verdict(right)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Verdicts> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn verdict(right: bool) -> Verdict {
    if right { Verdict::Granted } else { Verdict::Refused }
}

/// Verdicts by tag. A tag is a keyed hash (two SipHashes of keys that leave this process never): who reads our
/// memory finds no password, who guesses can't aim at a tag.
#[derive(Debug, Default)]
struct Verdicts {
    keys: [RandomState; 2],
    right: VecDeque<u128>,
    wrong: VecDeque<u128>,
}

impl Verdicts {
    fn tag(&self, credentials: &Credentials, is_user: bool, hash: &str) -> u128 {
        let all = (&credentials.name, &credentials.password, is_user, hash);
        self.keys.iter().fold(0, |tag, key| tag << 64 | u128::from(key.hash_one(all)))
    }

    fn verdict(&self, tag: u128) -> Option<bool> {
        if self.right.contains(&tag) {
            Some(true)
        } else if self.wrong.contains(&tag) {
            Some(false)
        } else {
            None
        }
    }

    /// Right ones have a list of their own: wrong ones can't push them out.
    fn remember(&mut self, tag: u128, right: bool) {
        let list = if right { &mut self.right } else { &mut self.wrong };
        if list.len() == REMEMBERED {
            list.pop_front();
        }
        list.push_back(tag);
    }
}

/// A place among those that wait.
struct Place {
    waiting: Arc<Mutex<HashMap<IpAddr, usize>>>,
    peer: IpAddr,
}

impl Place {
    fn take(waiting: &Arc<Mutex<HashMap<IpAddr, usize>>>, peer: IpAddr) -> Option<Place> {
        let peer = network(peer);
        let mut places = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if places.values().sum::<usize>() >= WAITING {
            return None;
        }
        let of_peer = places.entry(peer).or_default();
        if *of_peer >= WAITING_PER_ADDRESS {
            return None;
        }
        *of_peer += 1;
        Some(Place { waiting: waiting.clone(), peer })
    }
}

/// A peer with IPv6 has a whole /64 to call from.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(peer) => Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64).into(),
        peer => peer,
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_peer) = places.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                places.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn users(pairs: &[(&str, &str)]) -> BTreeMap<String, Arc<str>> {
        let hashed = |password| Arc::from(bcrypt::hash(password, 4).unwrap());
        pairs.iter().map(|&(name, password)| (name.to_owned(), hashed(password))).collect()
    }

    async fn check(
        authenticator: &Authenticator,
        users: &BTreeMap<String, Arc<str>>,
        header: &str,
    ) -> Verdict {
        authenticator.check(users, Some(header.as_bytes()), PEER).await
    }

    /// `alice:secret`, `alice:wrong`, `bob:secret`.
    const ALICE: &str = "Basic YWxpY2U6c2VjcmV0";
    const ALICE_WRONG: &str = "Basic YWxpY2U6d3Jvbmc=";
    const BOB: &str = "Basic Ym9iOnNlY3JldA==";

    #[tokio::test]
    async fn without_users_everybody_may_read() {
        let authenticator = Authenticator::default();
        assert_eq!(authenticator.check(&BTreeMap::new(), None, PEER).await, Verdict::Granted);
    }

    #[tokio::test]
    async fn name_and_password_must_both_be_right_the_second_time_too() {
        let authenticator = Authenticator::default();
        let users = users(&[("alice", "secret")]);
        for _ in 0..2 {
            assert_eq!(check(&authenticator, &users, ALICE).await, Verdict::Granted);
            assert_eq!(check(&authenticator, &users, ALICE_WRONG).await, Verdict::Refused);
            assert_eq!(check(&authenticator, &users, BOB).await, Verdict::Refused, "the password is alice's");
            assert_eq!(check(&authenticator, &users, "Basic !").await, Verdict::Refused);
            assert_eq!(authenticator.check(&users, None, PEER).await, Verdict::Refused);
        }
    }

    #[tokio::test]
    async fn a_user_who_is_removed_or_has_a_new_password_is_not_remembered() {
        let authenticator = Authenticator::default();
        let before = users(&[("alice", "secret"), ("bob", "secret")]);
        assert_eq!(check(&authenticator, &before, ALICE).await, Verdict::Granted);
        assert_eq!(check(&authenticator, &before, BOB).await, Verdict::Granted);
        let after = users(&[("alice", "other")]);
        assert_eq!(check(&authenticator, &after, ALICE).await, Verdict::Refused);
        assert_eq!(check(&authenticator, &after, BOB).await, Verdict::Refused);
    }

    #[tokio::test]
    async fn a_name_that_becomes_known_is_checked_afresh() {
        let authenticator = Authenticator::default();
        let alice = users(&[("alice", "secret")]);
        assert_eq!(check(&authenticator, &alice, BOB).await, Verdict::Refused);
        let both = BTreeMap::from([
            ("alice".to_owned(), alice["alice"].clone()),
            ("bob".to_owned(), alice["alice"].clone()),
        ]);
        assert_eq!(check(&authenticator, &both, BOB).await, Verdict::Granted);
    }

    #[tokio::test]
    async fn a_flood_from_one_address_leaves_places_for_others() {
        let authenticator = Authenticator::default();
        let places: Vec<_> = (0..10).filter_map(|_| Place::take(&authenticator.waiting, PEER)).collect();
        assert_eq!(places.len(), WAITING_PER_ADDRESS);
        let users = users(&[("alice", "secret")]);
        assert_eq!(check(&authenticator, &users, ALICE).await, Verdict::Busy);
        let elsewhere = "192.0.2.1".parse().unwrap();
        assert_eq!(authenticator.check(&users, Some(ALICE.as_bytes()), elsewhere).await, Verdict::Granted);
        assert_eq!(
            check(&authenticator, &users, ALICE).await,
            Verdict::Granted,
            "remembered: no place is needed"
        );
        drop(places);
        assert!(authenticator.waiting.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn few_checks_wait_in_all() {
        let authenticator = Authenticator::default();
        let places =
            (0..100_u8).filter_map(|host| Place::take(&authenticator.waiting, [192, 0, 2, host].into()));
        assert_eq!(places.collect::<Vec<_>>().len(), WAITING);
    }

    #[test]
    fn neighbours_in_ipv6_share_their_places() {
        let networks =
            ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.2"]
                .map(|peer| network(peer.parse().unwrap()).to_string());
        assert_eq!(networks, ["2001:db8::", "2001:db8::", "2001:db8:0:1::", "192.0.2.1", "192.0.2.2"]);
    }

    #[test]
    fn wrong_passwords_do_not_push_out_right_ones() {
        let mut verdicts = Verdicts::default();
        verdicts.remember(1, true);
        for tag in 2..1000 {
            verdicts.remember(tag, false);
        }
        assert_eq!(verdicts.verdict(1), Some(true));
        assert_eq!(
            (verdicts.wrong.len(), verdicts.verdict(2), verdicts.verdict(999)),
            (REMEMBERED, None, Some(false))
        );
    }
}
