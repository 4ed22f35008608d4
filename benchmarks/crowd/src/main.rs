//! Logs in once and attaches that login to many connections of one HSM: `crowd ADDRESS PORT NUMBER`.
//!
//! `USER:PASSWORD` comes in `CLOUDHSM_PIN`. It says `ready NUMBER` once every connection has the login, and then waits for
//! a line of its input, after which each connection asks for random bytes: `answered NUMBER`. The HSM's certificate is not
//! checked; that is the product's client's work.

mod peer;

use std::error::Error;
use std::io::{BufRead, Write};

use peer::{Login, Peer};
use strongroom_wire::messages::{RandomRequest, RandomResponse};
use strongroom_wire::{Message, Operation};

/// Bytes that each connection asks for in the end.
const RANDOM_LENGTH: u64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, port, number] = arguments.as_slice() else {
        return Err("usage: crowd ADDRESS PORT NUMBER".into());
    };
    let (address, number) = ((address.as_str(), port.parse()?), number.parse::<usize>()?);
    let pin = std::env::var("CLOUDHSM_PIN").map_err(|_| "CLOUDHSM_PIN must be USER:PASSWORD")?;
    let (username, password) = pin.split_once(':').ok_or("CLOUDHSM_PIN must be USER:PASSWORD")?;

    let config = peer::config()?;
    let mut peers = vec![Peer::connect(address, &config)?];
    let login = Login::new(&mut peers[0], username, password)?;
    while peers.len() < number {
        let mut peer = Peer::connect(address, &config)?;
        login.attach(&mut peer)?;
        peers.push(peer);
    }
    println!("ready {}", peers.len());
    std::io::stdout().flush()?;

    std::io::stdin().lock().read_line(&mut String::new())?;
    let request = RandomRequest { length: RANDOM_LENGTH }.to_bytes();
    for peer in &mut peers {
        let body = peer.call(Operation::Random, login.id(), &request)?;
        if RandomResponse::from_bytes(&body)?.data.0.len() as u64 != RANDOM_LENGTH {
            return Err("a connection got an answer of a wrong length".into());
        }
    }
    println!("answered {}", peers.len());
    Ok(())
}
