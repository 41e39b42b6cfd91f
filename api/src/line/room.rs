//! Room: how many connections there may be at once, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::rate;

/// No address is held to fewer: many telephones share that of their carrier.
const FAIR: usize = 1000;

/// Why a connection was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing was asked for long.
    Idle,
    /// A head did not become whole.
    Head,
    /// An answer was not taken.
    Reader,
}

impl Cut {
    /// All of them, each with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Idle, "idle"), (Self::Head, "head"), (Self::Reader, "reader")];
}

/// Room for connections.
#[derive(Debug)]
pub struct Room {
    most: usize,
    most_of_one: Option<usize>,
    open: AtomicUsize,
    /// How many of each address; empty where that does not matter.
    of: Mutex<HashMap<IpAddr, usize>>,
    turned_away: AtomicU64,
    cut: [AtomicU64; Cut::ALL.len()],
}

impl Room {
    /// Room for `most`. One address may have half of them, but never fewer than a thousand, unless
    /// all come from a `proxy`.
    pub fn new(most: usize, proxy: bool) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_of_one: (!proxy).then(|| FAIR.max(most / 2)),
            open: AtomicUsize::new(0),
            of: Mutex::default(),
            turned_away: AtomicU64::new(0),
            cut: Default::default(),
        })
    }

    /// A place for a connection from `peer`, if there is one.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let from = self.most_of_one.map(|_| rate::household(peer));
        let entered = self.open.fetch_add(1, Ordering::Relaxed) < self.most && self.count(from);
        if !entered {
            self.open.fetch_sub(1, Ordering::Relaxed);
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        entered.then(|| Place { room: Arc::clone(self), from })
    }

    /// Counts one more of an address; whether it may have one more.
    fn count(&self, from: Option<IpAddr>) -> bool {
        let (Some(from), Some(most)) = (from, self.most_of_one) else { return true };
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let open = of.entry(from).or_default();
        let fits = *open < most;
        *open += usize::from(fits);
        fits
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many there may be.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many found no room since the start.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// How many were given up since the start, and why.
    pub fn cuts(&self) -> [(&'static str, u64); Cut::ALL.len()] {
        Cut::ALL.map(|(why, name)| (name, self.cut[why as usize].load(Ordering::Relaxed)))
    }
}

/// A place that a connection takes until it ends.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    from: Option<IpAddr>,
}

impl Place {
    /// Notes why its connection is given up.
    pub fn cut(&self, why: Cut) {
        self.room.cut[why as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.open.fetch_sub(1, Ordering::Relaxed);
        let Some(from) = self.from else { return };
        let mut of = self.room.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = of.get_mut(&from) {
            *open -= 1;
            if *open == 0 {
                of.remove(&from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_that_is_left_is_free_again() {
        let room = Room::new(2, false);
        let one = room.enter(address("10.0.0.1")).unwrap();
        let _two = room.enter(address("10.0.0.1")).unwrap();
        assert!(room.enter(address("10.0.0.2")).is_none());
        assert_eq!((room.open(), room.turned_away()), (2, 1));
        drop(one);
        assert!(room.enter(address("10.0.0.2")).is_some());
        assert_eq!(room.of.lock().unwrap().len(), 1, "who left is forgotten");
    }

    #[test]
    fn one_address_takes_half_of_the_room_and_a_proxy_all_of_it() {
        for (proxy, fits) in [(false, 1500), (true, 3000)] {
            let room = Room::new(3000, proxy);
            let places: Vec<_> = (0..3001).map_while(|_| room.enter(address("::1"))).collect();
            assert_eq!(places.len(), fits);
            assert_eq!(room.enter(address("10.0.0.1")).is_some(), !proxy, "others find room");
        }
    }

    #[test]
    fn no_address_is_held_to_fewer_than_a_thousand() {
        let room = Room::new(1200, false);
        let places: Vec<_> = (0..1200).map_while(|_| room.enter(address("10.0.0.1"))).collect();
        assert_eq!(places.len(), 1000);
    }
}
