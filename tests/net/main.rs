//! The network wing over real loopback sockets: who is let in, what a bad stream costs, what the limits do.

mod identity;
mod limits;
mod peers;
mod pki;
mod raw;
mod reload;
mod streams;
mod trust;
