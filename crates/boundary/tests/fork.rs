//! What a fork does to the random generator: parent and children never draw the same bytes.
#![allow(clippy::unwrap_used, unsafe_code)]

use std::collections::HashSet;
use std::io::{Read, pipe};
use std::os::fd::IntoRawFd;
use std::sync::Arc;

use strongroom_boundary::keys::{Config, Installation};
use strongroom_boundary::{Keys, Objects, Options};
use strongroom_wire::Secret;

const DRAWS: usize = 64;

fn objects() -> Objects {
    let root_key = Secret::new(vec![7; 32]);
    let installation = Installation::create(&root_key).unwrap();
    let config = Config { cluster_id: "cluster-1".into(), hsm_id: "hsm-1".into(), root_key, installation };
    let keys = Arc::new(Keys::open(config).unwrap());
    Objects::new(keys, Options { fips: false, allow_unlocked_memory: true, ..Options::default() }).unwrap()
}

/// Random bytes, drawn one after the other.
fn draws(objects: &Objects) -> Vec<u8> {
    (0..DRAWS).flat_map(|_| objects.random(16).unwrap().0.to_vec()).collect()
}

/// What a child of this process draws.
fn draws_of_a_child(objects: &Objects) -> Vec<u8> {
    let (mut reader, writer) = pipe().unwrap();
    // SAFETY: the test has one thread that holds no lock; the child only draws, writes and ends.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let drawn = draws(objects);
        // SAFETY: the descriptor is open, the bytes are valid for their length. `_exit` runs no handlers of the parent's.
        unsafe {
            libc::write(writer.into_raw_fd(), drawn.as_ptr().cast(), drawn.len());
            libc::_exit(0);
        }
    }
    drop(writer);
    let mut drawn = Vec::new();
    reader.read_to_end(&mut drawn).unwrap();
    let mut status = 0;
    // SAFETY: our own child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    drawn
}

#[test]
fn two_children_of_one_process_never_draw_the_same_bytes() {
    let objects = objects();
    let before = draws(&objects); // the generator has a state, which both children inherit
    let all = [before, draws_of_a_child(&objects), draws_of_a_child(&objects), draws(&objects)].concat();
    assert_eq!(all.len(), 4 * DRAWS * 16);
    let different: HashSet<_> = all.chunks(16).collect();
    assert_eq!(different.len(), 4 * DRAWS);
}
