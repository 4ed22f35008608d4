//! What concerns the whole process: frames, the configuration, logins, fork, finalize. One test after the other, since
//! a process has one library.

#![allow(clippy::unwrap_used, clippy::macro_metavars_in_unsafe, non_snake_case)]

mod support;

use std::process::Command;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki_sys::*;
use strongroom_wire::{Operation, Rv};
use support::module::{Session, V, initialize, mechanism, slots};
use support::{Fixture, PIN};

const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// The turn of one test; the library is finalized when it ends.
struct Turn {
    fixture: Fixture,
    _turn: MutexGuard<'static, ()>,
}

impl Turn {
    fn new(name: &str) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let fixture = Fixture::start(name);
        fixture.name_in_environment();
        Self { fixture, _turn: turn }
    }

    fn logged_in(name: &str) -> (Self, Session) {
        let turn = Self::new(name);
        initialize().unwrap();
        let session = Session::open(true).unwrap();
        session.log_in(PIN).unwrap();
        (turn, session)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = call!(C_Finalize(ptr::null_mut()));
        std::fs::remove_dir_all(&self.fixture.directory).unwrap();
    }
}

fn ec_key(session: &Session) -> CK_OBJECT_HANDLE {
    let public = [(CKA_EC_PARAMS, V::S(P256)), (CKA_TOKEN, V::B(true))];
    let private = [(CKA_SIGN, V::B(true)), (CKA_TOKEN, V::B(true)), (CKA_LABEL, V::S(b"key"))];
    session.generate_pair(CKM_EC_KEY_PAIR_GEN, &public, &private).unwrap().1
}

/// What keytool does for one key: a pair, 122 attribute reads, a new id, a certificate, a search.
#[test]
fn a_keytool_key_generation_takes_at_most_20_frames() {
    let (turn, session) = Turn::logged_in("keytool");
    let before = turn.fixture.hsm.frames();
    let public = [
        (CKA_MODULUS_BITS, V::U(2048)),
        (CKA_PUBLIC_EXPONENT, V::S(&[1, 0, 1])),
        (CKA_VERIFY, V::B(true)),
        (CKA_TOKEN, V::B(true)),
    ];
    let private = [(CKA_SIGN, V::B(true)), (CKA_TOKEN, V::B(true))];
    let (public, private) = session.generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private).unwrap();
    let kinds =
        [CKA_TOKEN, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_LABEL, CKA_ID];
    let read = |rounds: usize| {
        for round in 0..rounds {
            let object = if round % 2 == 0 { public } else { private };
            let refused = [Rv::ATTRIBUTE_SENSITIVE, Rv::ATTRIBUTE_TYPE_INVALID];
            assert!(
                session
                    .get(object, kinds[round % kinds.len()])
                    .map_or_else(|rv| refused.contains(&rv), |_| true)
            );
        }
    };
    read(50);
    session.set(private, &[(CKA_ID, V::S(b"id")), (CKA_LABEL, V::S(b"keytool"))]).unwrap();
    session.set(public, &[(CKA_ID, V::S(b"id"))]).unwrap();
    read(50);
    session.sign(mechanism(CKM_SHA256_RSA_PKCS), private, b"to be signed").unwrap();
    assert_eq!(
        session.find(&[(CKA_CLASS, V::U(CKO_PRIVATE_KEY)), (CKA_ID, V::S(b"id"))]).unwrap(),
        [private]
    );
    read(22);
    let used = turn.fixture.hsm.frames() - before;
    assert!(used <= 20, "{used} frames");
}

#[test]
fn opening_1589_sessions_sends_nothing_beyond_the_login() {
    let (turn, session) = Turn::logged_in("sessions");
    let before = turn.fixture.hsm.frames();
    assert_eq!(turn.fixture.hsm.count(Operation::Login), 1);
    let sessions: Vec<Session> = (0..1_589).map(|_| Session::open(true).unwrap()).collect();
    let mut info = CK_SESSION_INFO::default();
    call!(C_GetSessionInfo(sessions[1_588].0, &raw mut info)).unwrap();
    assert_eq!(info.state, CKS_RW_USER_FUNCTIONS);
    drop(sessions);
    assert_eq!(turn.fixture.hsm.frames(), before);
    drop(session);
    assert_eq!(turn.fixture.hsm.count(Operation::Logout), 1);
}

#[test]
fn init_is_local_and_a_signature_takes_one_frame() {
    let (turn, session) = Turn::logged_in("frames");
    let key = ec_key(&session);
    session.sign(mechanism(CKM_ECDSA), key, &[1; 32]).unwrap();
    let before = turn.fixture.hsm.frames();
    for _ in 0..10 {
        session.sign(mechanism(CKM_ECDSA_SHA256), key, b"data").unwrap();
    }
    assert_eq!(turn.fixture.hsm.frames() - before, 10);
}

#[test]
fn a_missing_or_broken_configuration_is_a_general_error() {
    let turn = Turn::new("configuration");
    assert_eq!(call!(C_GetInfo(ptr::null_mut())), Err(Rv::CRYPTOKI_NOT_INITIALIZED));
    assert_eq!(call!(C_Finalize(ptr::null_mut())), Err(Rv::CRYPTOKI_NOT_INITIALIZED));
    std::fs::write(&turn.fixture.configuration, "{").unwrap();
    assert_eq!(initialize(), Err(Rv::GENERAL_ERROR));
    std::fs::remove_file(&turn.fixture.configuration).unwrap();
    assert_eq!(initialize(), Err(Rv::GENERAL_ERROR));
    let mut arguments = CK_C_INITIALIZE_ARGS { pReserved: ptr::dangling_mut(), ..Default::default() };
    assert_eq!(call!(C_Initialize((&raw mut arguments).cast())), Err(Rv::ARGUMENTS_BAD));
}

#[test]
fn a_login_is_checked_shared_and_ends_with_its_private_handles() {
    let turn = Turn::new("login");
    initialize().unwrap();
    assert_eq!(initialize(), Err(Rv::CRYPTOKI_ALREADY_INITIALIZED));
    let (session, other) = (Session::open(true).unwrap(), Session::open(true).unwrap());
    let template = [(CKA_VALUE_LEN, V::U(32)), (CKA_TOKEN, V::B(true))];
    assert_eq!(session.generate(CKM_AES_KEY_GEN, &template), Err(Rv::USER_NOT_LOGGED_IN));
    assert!(session.find(&[]).unwrap().is_empty());
    assert_eq!(session.log_in("alice:wrong password"), Err(Rv::PIN_INCORRECT));
    assert_eq!(session.log_in("no colon"), Err(Rv::PIN_INCORRECT));
    assert_eq!(log_in_as(&session, 3), Err(Rv::USER_TYPE_INVALID));
    session.log_in(PIN).unwrap();
    assert_eq!(other.log_in(PIN), Err(Rv::USER_ALREADY_LOGGED_IN));
    let key = ec_key(&other);
    session.sign(mechanism(CKM_ECDSA), key, &[1; 32]).unwrap();
    call!(C_Logout(other.0)).unwrap();
    assert_eq!(call!(C_Logout(other.0)), Err(Rv::USER_NOT_LOGGED_IN));
    assert_eq!(session.sign(mechanism(CKM_ECDSA), key, &[1; 32]), Err(Rv::KEY_HANDLE_INVALID));
    assert_eq!(session.get(key, CKA_LABEL), Err(Rv::OBJECT_HANDLE_INVALID));
    session.log_in(PIN).unwrap();
    assert_eq!(session.find(&[(CKA_LABEL, V::S(b"key"))]).unwrap().len(), 1);
    drop(turn);
}

fn log_in_as(session: &Session, user_type: CK_USER_TYPE) -> Result<(), Rv> {
    let mut pin = PIN.as_bytes().to_vec();
    call!(C_Login(session.0, user_type, pin.as_mut_ptr(), pin.len() as CK_ULONG))
}

fn state(session: &Session) -> CK_STATE {
    let mut info = CK_SESSION_INFO::default();
    call!(C_GetSessionInfo(session.0, &raw mut info)).unwrap();
    info.state
}

#[test]
fn a_security_officer_has_read_write_sessions_only_and_makes_no_keys() {
    let turn = Turn::new("officer");
    initialize().unwrap();
    let session = Session::open(true).unwrap();
    let reading = Session::open(false).unwrap();
    assert_eq!(log_in_as(&session, CKU_SO), Err(Rv::SESSION_READ_ONLY_EXISTS));
    assert_eq!(log_in_as(&reading, CKU_SO), Err(Rv::SESSION_READ_ONLY_EXISTS));
    assert_eq!(turn.fixture.hsm.count(Operation::Login), 0, "no HSM was asked");
    drop(reading);
    log_in_as(&session, CKU_SO).unwrap();
    assert_eq!(state(&session), CKS_RW_SO_FUNCTIONS);
    assert_eq!(log_in_as(&session, CKU_SO), Err(Rv::USER_ALREADY_LOGGED_IN));
    assert_eq!(log_in_as(&session, CKU_USER), Err(Rv::USER_ANOTHER_ALREADY_LOGGED_IN));
    assert_eq!(Session::open(false).map(|_| ()), Err(Rv::SESSION_READ_WRITE_SO_EXISTS));
    assert_eq!(state(&Session::open(true).unwrap()), CKS_RW_SO_FUNCTIONS);
    let template = [(CKA_VALUE_LEN, V::U(32))];
    assert_eq!(session.generate(CKM_AES_KEY_GEN, &template), Err(Rv::USER_NOT_LOGGED_IN));
    assert_eq!(session.sign(mechanism(CKM_ECDSA), 1, &[1; 32]), Err(Rv::USER_NOT_LOGGED_IN));
    assert!(session.find(&[(CKA_PRIVATE, V::B(true))]).unwrap().is_empty());
    call!(C_Logout(session.0)).unwrap();
    assert_eq!(state(&Session::open(false).unwrap()), CKS_RO_PUBLIC_SESSION);
    session.log_in(PIN).unwrap();
    assert_eq!(log_in_as(&session, CKU_SO), Err(Rv::USER_ANOTHER_ALREADY_LOGGED_IN));
    drop(turn);
}

#[test]
fn a_wrong_pin_of_a_security_officer_lets_read_only_sessions_be_opened_again() {
    let turn = Turn::new("officer-refused");
    initialize().unwrap();
    let session = Session::open(true).unwrap();
    let mut wrong = *b"admin:wrong password";
    let refused = call!(C_Login(session.0, CKU_SO, wrong.as_mut_ptr(), wrong.len() as CK_ULONG));
    assert_eq!(refused, Err(Rv::PIN_INCORRECT));
    assert_eq!(state(&Session::open(false).unwrap()), CKS_RO_PUBLIC_SESSION);
    drop(turn);
}

#[test]
fn a_user_logs_in_by_name_with_the_password_alone() {
    let turn = Turn::new("login-user");
    initialize().unwrap();
    let session = Session::open(true).unwrap();
    let log_in = |name: &str, password: &str, user_type| {
        let (mut name, mut password) = (name.as_bytes().to_vec(), password.as_bytes().to_vec());
        let (name, password) = (&mut name[..], &mut password[..]);
        let (pin, length) = (password.as_mut_ptr(), password.len() as CK_ULONG);
        call!(newest C_LoginUser(session.0, user_type, pin, length, name.as_mut_ptr(), name.len() as CK_ULONG))
    };
    assert_eq!(log_in("alice", "wrong password", CKU_USER), Err(Rv::PIN_INCORRECT));
    assert_eq!(log_in("alice", "alice:correct horse", CKU_USER), Err(Rv::PIN_INCORRECT));
    assert_eq!(log_in("", "correct horse", CKU_USER), Err(Rv::PIN_INCORRECT));
    assert_eq!(log_in("alice", "correct horse", 3), Err(Rv::USER_TYPE_INVALID));
    assert_eq!(log_in("alice", "wrong password", CKU_SO), Err(Rv::PIN_INCORRECT));
    assert_eq!(log_in("alice", "correct horse", CKU_CONTEXT_SPECIFIC), Err(Rv::OPERATION_NOT_INITIALIZED));
    let no_name = call!(newest C_LoginUser(session.0, CKU_USER, ptr::null_mut(), 0, ptr::null_mut(), 5));
    assert_eq!(no_name, Err(Rv::ARGUMENTS_BAD));
    log_in("alice", "correct horse", CKU_USER).unwrap();
    assert_eq!(log_in("alice", "correct horse", CKU_USER), Err(Rv::USER_ALREADY_LOGGED_IN));
    assert_eq!(log_in("bob", "correct horse", CKU_USER), Err(Rv::USER_ALREADY_LOGGED_IN));
    ec_key(&session);
    call!(C_Logout(session.0)).unwrap();
    log_in("", PIN, CKU_USER).unwrap();
    drop(turn);
}

#[test]
fn a_token_whose_hsm_is_away_is_not_present() {
    let turn = Turn::new("away");
    turn.fixture.hsm.kill();
    initialize().unwrap();
    let mut info = CK_TOKEN_INFO::default();
    assert_eq!(call!(C_GetTokenInfo(slots()[0], &raw mut info)), Err(Rv::TOKEN_NOT_PRESENT));
    let session = Session::open(true).unwrap();
    assert_eq!(session.log_in(PIN), Err(Rv::DEVICE_ERROR));
}

#[test]
fn a_child_must_initialize_for_itself_and_its_parent_is_undisturbed() {
    let (turn, session) = Turn::logged_in("fork");
    let key = ec_key(&session);
    session.sign(mechanism(CKM_ECDSA), key, &[1; 32]).unwrap();
    // Threads that use the library while the process forks: the child must not wait for locks that they hold.
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let session = Session::open(true).unwrap();
                while !over.load(std::sync::atomic::Ordering::SeqCst) {
                    session.sign(mechanism(CKM_ECDSA), key, &[1; 32]).unwrap();
                }
            });
        }
        for _ in 0..5 {
            // SAFETY: the child uses only the library, which is made for that, and leaves by _exit.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let code = child_code(&session);
                // SAFETY: ends the child without running the parent's exit handlers.
                unsafe { libc::_exit(code) };
            }
            let mut status = 0;
            // SAFETY: waits for the child made above.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!((libc::WIFEXITED(status), libc::WEXITSTATUS(status)), (true, 0));
            session.sign(mechanism(CKM_ECDSA), key, &[1; 32]).unwrap();
        }
        over.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    // One connection of the parent and one of each child that logged in: nothing was torn down.
    assert_eq!(turn.fixture.hsm.count(Operation::Hello), 6);
}

/// What the child finds: zero, or the number of what is wrong.
fn child_code(inherited: &Session) -> i32 {
    if inherited.get(1, CKA_LABEL) != Err(Rv::CRYPTOKI_NOT_INITIALIZED) {
        return 1;
    }
    if call!(C_Finalize(ptr::null_mut())) != Err(Rv::CRYPTOKI_NOT_INITIALIZED) {
        return 2;
    }
    let Ok(()) = initialize() else { return 3 };
    if inherited.get(1, CKA_LABEL) != Err(Rv::SESSION_HANDLE_INVALID) {
        return 4;
    }
    let Ok(session) = Session::open(true) else { return 5 };
    let Ok(()) = session.log_in(PIN) else { return 6 };
    let Ok(keys) = session.find(&[(CKA_LABEL, V::S(b"key"))]) else { return 7 };
    match session.sign(mechanism(CKM_ECDSA), keys[0], &[1; 32]) {
        Ok(signature) if signature.len() == 64 => {}
        _ => return 8,
    }
    if call!(C_Finalize(ptr::null_mut())) == Ok(()) { 0 } else { 9 }
}

#[test]
fn a_c_program_compiles_with_the_headers_and_agrees_on_layouts() {
    let turn = Turn::new("headers");
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/../../include");
    let program = turn.fixture.directory.join("program");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program.c");
    let output = Command::new("gcc")
        .args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I", include, source, "-ldl", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sizes = [
        size_of::<CK_FUNCTION_LIST>(),
        size_of::<CK_TOKEN_INFO>(),
        size_of::<CK_C_INITIALIZE_ARGS>(),
        size_of::<CK_GCM_PARAMS>(),
        size_of::<CK_RSA_PKCS_OAEP_PARAMS>(),
        size_of::<CK_AES_CTR_PARAMS>(),
        size_of::<CK_INTERFACE>(),
        size_of::<CK_RSA_AES_KEY_WRAP_PARAMS>(),
        size_of::<CK_ECDH1_DERIVE_PARAMS>(),
        size_of::<CK_HKDF_PARAMS>(),
        size_of::<CK_PRF_DATA_PARAM>(),
        size_of::<CK_SP800_108_COUNTER_FORMAT>(),
        size_of::<CK_SP800_108_DKM_LENGTH_FORMAT>(),
        size_of::<CK_SP800_108_KDF_PARAMS>(),
        size_of::<CK_FUNCTION_LIST_3_0>(),
        size_of::<CK_FUNCTION_LIST_3_2>(),
        size_of::<CK_GCM_MESSAGE_PARAMS>(),
        size_of::<CK_CCM_MESSAGE_PARAMS>(),
    ];
    let printed = Command::new(program).output().unwrap().stdout;
    let expected: String = sizes.iter().map(|size| format!("{size}\n")).collect();
    assert_eq!(String::from_utf8(printed).unwrap(), expected);
}

#[test]
fn profiles_and_mechanisms_are_found_without_a_login_and_without_a_request() {
    let turn = Turn::new("built-in");
    let profiles = [(CKA_CLASS, V::U(CKO_PROFILE))];
    initialize().unwrap();
    let session = Session::open(false).unwrap();
    let before = turn.fixture.hsm.frames();
    let found = session.find(&profiles).unwrap();
    assert_eq!(found.len(), 3);
    assert!(session.find(&[(CKA_CLASS, V::U(CKO_MECHANISM))]).unwrap().len() > 40);
    assert_eq!(session.get(found[0], CKA_PROFILE_ID).unwrap(), CKP_BASELINE_PROVIDER.to_ne_bytes());
    assert!(session.find(&[(CKA_TOKEN, V::B(true))]).unwrap().is_empty());
    assert!(session.find(&[(CKA_UNIQUE_ID, V::S(b"0x0000000000000001"))]).unwrap().is_empty());
    assert_eq!(turn.fixture.hsm.frames(), before);
    session.log_in(PIN).unwrap();
    call!(C_Logout(session.0)).unwrap();
    assert_eq!(session.find(&profiles).unwrap(), found);
    assert_eq!(session.get(found[0], CKA_TOKEN).unwrap(), [1]);
    call!(C_Finalize(ptr::null_mut())).unwrap();
    assert_eq!(session.find(&profiles), Err(Rv::CRYPTOKI_NOT_INITIALIZED));
    assert_eq!(session.get(found[0], CKA_TOKEN), Err(Rv::CRYPTOKI_NOT_INITIALIZED));
}
