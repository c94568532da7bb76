//! The two nodes, the link between them and the clock over all: one schedule from one seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::cast::{DAY_MS, HOUR_MS};
use crate::disk::Tail;
use crate::link::{Link, Packet, Weather};
use crate::node::{Node, Wants};
use crate::rng::Rng;

/// A power cut that must happen: at which node, after how many acts, and what it leaves.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub node: usize,
    pub after_acts: u64,
    pub tail: Tail,
}

enum Happening {
    Wake(usize),
    Arrival(Packet),
    Line(bool),
    Dialled(usize),
    Noticed(usize, u64),
    Start(usize),
    Heal,
}

struct Timed(u64, u64, Happening);

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// One schedule.
pub struct World {
    pub nodes: [Node; 2],
    pub link: Link,
    pub now: u64,
    pub happened: u64,
    pub crashes: u64,
    rng: Rng,
    queue: BinaryHeap<Reverse<Timed>>,
    numbers: u64,
    wake: [Option<u64>; 2],
    flaps: u64,
    crash_permille: u64,
    healed: bool,
    cut: Option<Cut>,
}

/// More than any honest schedule needs: a node that spins is found by it.
const HAPPENINGS_MAX: u64 = 60_000;

impl World {
    /// Everything that may go wrong, drawn from the seed.
    pub fn drawn(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let bad = |rng: &mut Rng, most: u64| if rng.hits(500) { rng.between(0, most) } else { 0 };
        let weather = Weather {
            loss_permille: bad(&mut rng, 250),
            double_permille: bad(&mut rng, 200),
            delay_ms_max: if rng.hits(300) { rng.between(1, 20_000) } else { rng.between(1, 300) },
            ghosts_permille: bad(&mut rng, 500),
        };
        let mut world = Self::new(rng, weather);
        world.crash_permille = bad(&mut world.rng, 20);
        world.flaps = bad(&mut world.rng, 8);
        if world.rng.hits(500) {
            world.link.line_up = false;
            let long = if world.rng.hits(200) { 3 * DAY_MS } else { HOUR_MS };
            let away = world.rng.between(1, long);
            world.at(away, Happening::Line(true));
        } else {
            let first = world.rng.between(1, 60_000);
            world.at(first, Happening::Line(false));
        }
        let heal = world.rng.between(HOUR_MS, 4 * DAY_MS);
        world.at(heal, Happening::Heal);
        world
    }

    /// A good link and one power cut.
    pub fn with_cut(seed: u64, cut: Cut) -> Self {
        let weather = Weather { delay_ms_max: 50, ..Weather::default() };
        let mut world = Self::new(Rng::new(seed), weather);
        world.cut = Some(cut);
        world.healed = true;
        world
    }

    fn new(mut rng: Rng, weather: Weather) -> Self {
        let nodes = [0, 1].map(|me| {
            let clock_ahead_ms = rng.between(0, 8 * 60_000) as i64 - 4 * 60_000;
            let own = Rng::new(rng.next());
            Node::new(me, clock_ahead_ms, own)
        });
        let mut world = Self {
            nodes,
            link: Link::new(weather, true),
            now: 0,
            happened: 0,
            crashes: 0,
            rng,
            queue: BinaryHeap::new(),
            numbers: 0,
            wake: [None, None],
            flaps: 0,
            crash_permille: 0,
            healed: false,
            cut: None,
        };
        world.at(0, Happening::Start(0));
        world.at(0, Happening::Start(1));
        world
    }

    fn at(&mut self, after_ms: u64, happening: Happening) {
        self.numbers += 1;
        self.queue.push(Reverse(Timed(self.now + after_ms, self.numbers, happening)));
    }

    /// Runs until nothing is left to happen.
    pub fn run(&mut self) {
        while let Some(Reverse(Timed(at, _, happening))) = self.queue.pop() {
            self.now = at;
            self.happened += 1;
            assert!(self.happened < HAPPENINGS_MAX, "the schedule does not come to rest");
            self.happen(happening);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake(node) => {
                if self.wake[node] == Some(self.now) {
                    self.wake[node] = None;
                    self.turn(node, None);
                }
            }
            Happening::Arrival(packet) => {
                if self.link.takes(&packet, &mut self.rng) {
                    self.turn(packet.to, Some(&packet));
                }
            }
            Happening::Line(up) => self.line(up),
            Happening::Dialled(node) => self.dialled(node),
            Happening::Noticed(node, connection) => {
                if self.nodes[node].live.is_some() {
                    self.nodes[node].disconnected(connection, self.now);
                    self.turn(node, None);
                }
            }
            Happening::Start(node) => {
                self.nodes[node].start(self.now);
                self.turn(node, None);
            }
            Happening::Heal => {
                self.healed = true;
                self.link.weather = Weather { delay_ms_max: 300, ..Weather::default() };
                self.crash_permille = 0;
                self.line(true);
            }
        }
    }

    fn line(&mut self, up: bool) {
        let up = up || self.healed;
        self.link.line_up = up;
        if !up {
            self.hang_up();
        }
        if !self.healed && self.flaps > 0 {
            self.flaps -= 1;
            let most = if self.rng.hits(100) { DAY_MS } else { 600_000 };
            let wait = self.rng.between(1, most);
            self.at(wait, Happening::Line(!up));
        }
    }

    /// The connection is gone; each side that still runs notices in its own time.
    fn hang_up(&mut self) {
        if let Some(connection) = self.link.connection.take() {
            for node in 0..2 {
                let wait = self.rng.between(0, 60_000);
                self.at(wait, Happening::Noticed(node, connection));
            }
        }
    }

    fn dialled(&mut self, node: usize) {
        if self.nodes[node].live.is_none() {
            return;
        }
        if !self.link.line_up || self.nodes[1 - node].live.is_none() {
            self.nodes[node].dial_failed(self.now);
            return self.turn(node, None);
        }
        let connection = self.link.connect();
        for node in 0..2 {
            self.nodes[node].connected(connection, self.now);
        }
        for node in 0..2 {
            self.turn(node, None);
        }
    }

    /// Gives a node a turn, with a packet or without, and carries out what it wants.
    fn turn(&mut self, node: usize, packet: Option<&Packet>) {
        if self.nodes[node].live.is_none() {
            return;
        }
        let mut wants = Wants::default();
        let acts = self.nodes[node].acts;
        if let Some(packet) = packet {
            self.nodes[node].take(packet, self.now, &mut wants);
        }
        self.nodes[node].turn(self.now, &mut wants);
        for packet in wants.packets {
            for after_ms in self.link.arrivals(&packet, &mut self.rng) {
                self.at(after_ms, Happening::Arrival(packet.clone()));
            }
        }
        if wants.dial {
            let wait = self.rng.between(1, 2_000);
            self.at(wait, Happening::Dialled(node));
        }
        if let Some(at) = wants.wake_at.filter(|at| self.wake[node].is_none_or(|set| *at < set || set <= self.now)) {
            self.wake[node] = Some(at);
            self.at(at - self.now, Happening::Wake(node));
        }
        self.perhaps_crash(node, acts);
    }

    fn perhaps_crash(&mut self, node: usize, acts_before: u64) {
        let acts = self.nodes[node].acts;
        let cut = self.cut.filter(|cut| cut.node == node && acts_before < cut.after_acts && cut.after_acts <= acts);
        let tail = match cut {
            Some(cut) => cut.tail,
            None if self.rng.hits(self.crash_permille) => {
                [Tail::Lost, Tail::Kept, Tail::Torn][self.rng.between(0, 2) as usize]
            }
            None => return,
        };
        self.crashes += 1;
        self.nodes[node].crash(tail);
        self.wake[node] = None;
        self.hang_up();
        let most = if self.rng.hits(100) { HOUR_MS } else { 10_000 };
        let wait = self.rng.between(1, most);
        self.at(wait, Happening::Start(node));
    }
}
