//! A link between the two nodes on simulated time: loses, doubles, reorders, delays and breaks. Carries real frames.

use rogatory::wire::frame::{self, Frame};

use crate::rng::Rng;

/// A frame on its way, with the bytes behind it.
#[derive(Debug, Clone)]
pub struct Packet {
    pub to: usize,
    pub connection: u64,
    pub stream: u64,
    pub frame: Vec<u8>,
    pub tail: Vec<u8>,
}

impl Packet {
    pub fn new(to: usize, connection: u64, stream: u64, frame: &Frame, tail: Vec<u8>) -> Self {
        Self { to, connection, stream, frame: frame::encode(frame), tail }
    }
}

/// How bad the link is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    pub loss_permille: u64,
    pub double_permille: u64,
    pub delay_ms_max: u64,
    /// Packets of a connection that is gone may still arrive.
    pub ghosts_permille: u64,
}

/// The line and the connection over it.
pub struct Link {
    pub weather: Weather,
    pub line_up: bool,
    /// The connection that works now.
    pub connection: Option<u64>,
    connections: u64,
}

impl Link {
    pub fn new(weather: Weather, line_up: bool) -> Self {
        Self { weather, line_up, connection: None, connections: 0 }
    }

    pub fn connect(&mut self) -> u64 {
        self.connections += 1;
        self.connection = Some(self.connections);
        self.connections
    }

    /// After how many milliseconds each copy of a packet arrives.
    pub fn arrivals(&self, packet: &Packet, rng: &mut Rng) -> Vec<u64> {
        let works = self.connection == Some(packet.connection);
        if !works || rng.hits(self.weather.loss_permille) {
            return Vec::new();
        }
        let copies = if rng.hits(self.weather.double_permille) { 2 } else { 1 };
        (0..copies).map(|_| rng.between(1, self.weather.delay_ms_max.max(1))).collect()
    }

    /// Whether a packet that arrives now is taken.
    pub fn takes(&self, packet: &Packet, rng: &mut Rng) -> bool {
        self.connection == Some(packet.connection) || rng.hits(self.weather.ghosts_permille)
    }
}
