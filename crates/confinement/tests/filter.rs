//! The filter in a process of its own: it cannot be taken off again, so this file has one test.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::ErrorKind;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

fn start_a_program() -> ErrorKind {
    Command::new("/bin/true").spawn().map(|_| ()).unwrap_err().kind()
}

#[test]
fn threads_from_before_the_filter_are_under_it_and_ordinary_work_goes_on() {
    let (begin, begun) = mpsc::channel();
    let earlier = thread::spawn(move || {
        begun.recv().unwrap();
        start_a_program()
    });
    strongroom_confinement::filter_system_calls().unwrap();
    begin.send(()).unwrap();
    assert_eq!(earlier.join().unwrap(), ErrorKind::PermissionDenied);
    assert_eq!(thread::spawn(start_a_program).join().unwrap(), ErrorKind::PermissionDenied);
    assert_eq!(start_a_program(), ErrorKind::PermissionDenied);

    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("Seccomp:\t2\n") && status.contains("NoNewPrivs:\t1\n"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(std::net::TcpStream::connect(listener.local_addr().unwrap()).is_ok());
}
