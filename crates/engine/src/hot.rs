//! Hot requests: answered from the boundary, without the brain and the store.

use std::time::Instant;

use strongroom_boundary::{Caller, Error, Purpose, Step};
use strongroom_wire::bulk::{CryptRequestView, StreamStepView};
use strongroom_wire::codec::List;
use strongroom_wire::frame::MAX_BODY_LENGTH;
use strongroom_wire::messages::{
    AttachRequest, AttributesRequest, CryptResponse, DigestRequest, DigestResponse, Empty, FindRequest,
    HelloRequest, MembersResponse, RANDOM_WITHOUT_LOGIN, RandomRequest, RandomResponse, SESSION_OBJECT_BIT,
    StreamCloseRequest, StreamOpenRequest, StreamOpenResponse, VerifyRequest,
};
use strongroom_wire::tables::KeyKind;
use strongroom_wire::{DecodeError, Field, MechanismType, Message, Operation, Rv};

use crate::logins::Login;
use crate::parking::Need;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::session;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::streams::MostStreams;

/// The largest data of one operation.
pub(crate) const MAX_DATA: u64 = strongroom_boundary::MAX_DATA as u64;
/// Data from this length on is long work.
const LONG_DATA: usize = 64 * 1024;

/// Why there is no answer yet.
#[derive(Debug)]
pub(crate) enum Stop {
    /// There is none.
    Refuse(Refusal),
    /// The HSM must catch up first.
    Park(Need),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refuse(error.into())
    }
}

/// A decoded hot request.
#[derive(Debug)]
pub(crate) enum HotRequest {
    Hello(HelloRequest),
    Attach(AttachRequest),
    Crypt(CryptRequestView),
    Verify(VerifyRequest),
    Random(RandomRequest),
    Find(FindRequest),
    Attributes(AttributesRequest),
    Digest(DigestRequest),
    StreamOpen(StreamOpenRequest),
    StreamStep(StreamStepView),
    StreamClose(StreamCloseRequest),
    Empty,
}

impl HotRequest {
    pub(crate) fn decode(operation: Operation, body: &[u8]) -> Result<Self, DecodeError> {
        Ok(match operation {
            Operation::Hello => Self::Hello(HelloRequest::from_bytes(body)?),
            Operation::Attach => Self::Attach(AttachRequest::from_bytes(body)?),
            Operation::Sign
            | Operation::SignRecover
            | Operation::VerifyRecover
            | Operation::Encrypt
            | Operation::Decrypt => Self::Crypt(CryptRequestView::from_bytes(body)?),
            Operation::Verify => Self::Verify(VerifyRequest::from_bytes(body)?),
            Operation::Random => Self::Random(RandomRequest::from_bytes(body)?),
            Operation::Find => Self::Find(FindRequest::from_bytes(body)?),
            Operation::Attributes => Self::Attributes(AttributesRequest::from_bytes(body)?),
            Operation::Digest => Self::Digest(DigestRequest::from_bytes(body)?),
            Operation::StreamOpen => Self::StreamOpen(StreamOpenRequest::from_bytes(body)?),
            Operation::StreamUpdate | Operation::StreamFinish | Operation::StreamRepeat => {
                Self::StreamStep(StreamStepView::from_bytes(body)?)
            }
            Operation::StreamClose => Self::StreamClose(StreamCloseRequest::from_bytes(body)?),
            _ => {
                Empty::from_bytes(body)?;
                Self::Empty
            }
        })
    }

    /// Whether it would keep short work waiting: RSA private keys, searches, long data.
    pub(crate) fn is_long(&self, operation: Operation) -> bool {
        match self {
            Self::Crypt(crypt) => {
                let is_private =
                    matches!(operation, Operation::Sign | Operation::SignRecover | Operation::Decrypt);
                crypt.data.len() >= LONG_DATA || is_private && uses_rsa(crypt.mechanism)
            }
            Self::Verify(verify) => verify.data.len() >= LONG_DATA,
            Self::StreamStep(step) => step.data.len() >= LONG_DATA,
            Self::Random(random) => random.length >= LONG_DATA as u64,
            // Its parts are copied and wiped.
            Self::Digest(_) => true,
            Self::Find(_) => true,
            Self::Attributes(attributes) => attributes.references.0.len() > 256,
            _ => false,
        }
    }
}

/// What an object's attributes take in an answer, roughly.
const OBJECT_BYTES: usize = 1024;
/// The most objects that an answer has room for.
const MAX_OBJECTS: usize = MAX_BODY_LENGTH / OBJECT_BYTES;

impl HotRequest {
    /// How many bytes the answer may have, roughly; short ones are not counted.
    pub(crate) fn answer_bytes(&self) -> usize {
        match self {
            Self::Crypt(crypt) => crypt.data.len(),
            Self::StreamStep(step) => step.data.len(),
            Self::Random(random) => usize::try_from(random.length.min(MAX_DATA)).unwrap_or(MAX_BODY_LENGTH),
            Self::Find(find) if find.with_attributes => {
                usize::try_from(find.limit).unwrap_or(MAX_OBJECTS).min(MAX_OBJECTS) * OBJECT_BYTES
            }
            Self::Attributes(attributes) => attributes.references.0.len().min(MAX_OBJECTS) * OBJECT_BYTES,
            _ => 0,
        }
    }
}

fn uses_rsa(mechanism: u64) -> bool {
    MechanismType::from_code(mechanism).is_some_and(|known| known.key_kinds().contains(&KeyKind::Rsa))
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Answer {
    Encoded(Vec<u8>),
    /// A result that is encoded where it is sent from: it may be long.
    Crypt(CryptResponse),
}

impl From<Vec<u8>> for Answer {
    fn from(body: Vec<u8>) -> Self {
        Self::Encoded(body)
    }
}

impl Answer {
    /// Appends its bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Encoded(body) => out.extend_from_slice(body),
            Self::Crypt(response) => response.encode(out),
        }
    }
}

/// Computes the answer.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Result<Answer, Stop> {
    let Some(hot) = &request.hot else { return Err(Refusal::broken().into()) };
    match hot {
        HotRequest::Hello(message) => {
            return session::hello(shared, &request.connection, message).map(Answer::from);
        }
        HotRequest::Attach(message) => return session::attach(shared, request, message).map(Answer::from),
        HotRequest::Empty => {
            return match (request.operation, &request.login) {
                (Operation::Members, _) => {
                    Ok(MembersResponse { members: List(shared.members().to_vec()) }.to_bytes().into())
                }
                (Operation::RenewTicket, Some(login)) => {
                    session::renew_ticket(shared, login).map(Answer::from)
                }
                (Operation::Ping, _) => Ok(Empty {}.to_bytes().into()),
                _ => Err(Refusal::not_logged_in().into()),
            };
        }
        HotRequest::Random(random) => return random_bytes(shared, random, request.login.is_some()),
        _ => {}
    }
    let Some(login) = &request.login else { return Err(Refusal::not_logged_in().into()) };
    match hot {
        HotRequest::StreamOpen(open) => open_stream(shared, request, login, open),
        HotRequest::StreamStep(view) => step_stream(shared, request, login, view),
        HotRequest::StreamClose(close) => {
            login.streams.end(close.stream, &request.connection);
            Ok(Empty {}.to_bytes().into())
        }
        _ => with_objects(shared, request, hot, &login.caller),
    }
}

/// Random bytes are for everybody: programs seed themselves before they log in.
fn random_bytes(shared: &Shared, random: &RandomRequest, is_logged_in: bool) -> Result<Answer, Stop> {
    let longest = if is_logged_in { shared.settings.max_data } else { RANDOM_WITHOUT_LOGIN };
    let length = usize::try_from(random.length).ok().filter(|_| random.length <= longest);
    let length = length.ok_or_else(|| {
        let text = format!("One call gives at most {longest} random bytes.");
        Refusal::of_request(Rv::ARGUMENTS_BAD, text)
    })?;
    Ok(RandomResponse { data: shared.boundary.objects.random(length)? }.to_bytes().into())
}

fn with_objects(
    shared: &Shared,
    request: &Request,
    hot: &HotRequest,
    caller: &Caller,
) -> Result<Answer, Stop> {
    let objects = &shared.boundary.objects;
    match hot {
        HotRequest::Crypt(crypt) => {
            know(shared, request, caller, &[crypt.key])?;
            let (key, mechanism) = (crypt.key, mechanism(crypt.mechanism)?);
            let parameters = crypt.parameters.as_ref();
            let data = request.body.get(crypt.data.clone()).ok_or_else(Refusal::broken)?;
            check_length(shared, data)?;
            let made = |data| CryptResponse { data, iv: None };
            let response = match request.operation {
                Operation::Sign => made(objects.sign(caller, key, mechanism, parameters, data)?),
                Operation::SignRecover => made(objects.sign_recover(caller, key, mechanism, data)?),
                Operation::VerifyRecover => made(objects.verify_recover(caller, key, mechanism, data)?),
                Operation::Encrypt => objects.encrypt(caller, key, mechanism, parameters, data)?,
                _ => objects.decrypt(caller, key, mechanism, parameters, data)?,
            };
            Ok(Answer::Crypt(response))
        }
        HotRequest::Verify(verify) => {
            know(shared, request, caller, &[verify.key])?;
            let parameters = verify.parameters.as_ref();
            let mechanism = mechanism(verify.mechanism)?;
            check_length(shared, &verify.data)?;
            objects.verify(caller, verify.key, mechanism, parameters, &verify.data, &verify.signature)?;
            Ok(Empty {}.to_bytes().into())
        }
        HotRequest::Digest(digest) => {
            let parts = &digest.parts.0;
            let keys: Vec<u64> = parts.iter().filter_map(|part| part.key).collect();
            know(shared, request, caller, &keys)?;
            parts.iter().try_for_each(|part| check_length(shared, &part.data))?;
            let digest = objects.digest(caller, mechanism(digest.mechanism)?, parts)?;
            Ok(DigestResponse { digest }.to_bytes().into())
        }
        HotRequest::Find(find) => {
            let found = objects.find(caller, find)?;
            if find.with_attributes {
                check_reads(shared, found.objects.0.iter().map(|object| object.reference))?;
            }
            Ok(found.to_bytes().into())
        }
        HotRequest::Attributes(attributes) => {
            let references = &attributes.references.0;
            know(shared, request, caller, references)?;
            check_reads(shared, references.iter().copied())?;
            Ok(objects.attributes(caller, references)?.to_bytes().into())
        }
        HotRequest::Hello(_)
        | HotRequest::Attach(_)
        | HotRequest::Random(_)
        | HotRequest::Empty
        | HotRequest::StreamOpen(_)
        | HotRequest::StreamStep(_)
        | HotRequest::StreamClose(_) => Err(Refusal::broken().into()),
    }
}

fn check_length(shared: &Shared, data: &[u8]) -> Result<(), Refusal> {
    if data.len() as u64 <= shared.settings.max_data { Ok(()) } else { Err(too_long(shared)) }
}

fn too_long(shared: &Shared) -> Refusal {
    let most = shared.settings.max_data;
    Refusal::of_request(Rv::DATA_LEN_RANGE, format!("at most {most} bytes of data in one operation"))
}

/// Certificates are read as fast as the operator allows.
fn check_reads(shared: &Shared, references: impl Iterator<Item = u64>) -> Result<(), Refusal> {
    if !shared.certificate_reads.is_limited() {
        return Ok(());
    }
    let objects = &shared.boundary.objects;
    let count = references.filter(|reference| objects.is_certificate(*reference)).count();
    if shared.certificate_reads.take(count, Instant::now()) { Ok(()) } else { Err(Refusal::busy()) }
}

fn open_stream(
    shared: &Shared,
    request: &Request,
    login: &Login,
    open: &StreamOpenRequest,
) -> Result<Answer, Stop> {
    let caller = &login.caller;
    know(shared, request, caller, &[open.key])?;
    let purpose = match u16::try_from(open.operation).ok().and_then(Operation::from_code) {
        Some(Operation::Sign) => Purpose::Sign,
        Some(Operation::Verify) => Purpose::Verify,
        Some(Operation::Encrypt) => Purpose::Encrypt,
        Some(Operation::Decrypt) => Purpose::Decrypt,
        _ => {
            let text = "A stream is for sign, verify, encrypt or decrypt.";
            return Err(Refusal::of_request(Rv::ARGUMENTS_BAD, text).into());
        }
    };
    let mechanism = mechanism(open.mechanism)?;
    // Who sets a lower limit to the data of one operation wants no longer ones.
    if shared.settings.max_data < MAX_DATA {
        return Err(too_long(shared).into());
    }
    let objects = &shared.boundary.objects;
    let (parameters, signature) = (open.parameters.as_ref(), open.signature.as_deref());
    let (stream, iv) = objects.open_stream(caller, purpose, open.key, mechanism, parameters, signature)?;
    let Settings { max_streams_of_login: of_login, max_streams: of_hsm, .. } = shared.settings;
    let most = MostStreams { of_login, of_hsm };
    let stream = login.streams.keep(login, &request.connection, stream, &shared.streams, most)?;
    Ok(StreamOpenResponse { stream, iv }.to_bytes().into())
}

fn step_stream(
    shared: &Shared,
    request: &Request,
    login: &Login,
    view: &StreamStepView,
) -> Result<Answer, Stop> {
    let data = request.body.get(view.data.clone()).ok_or_else(Refusal::broken)?;
    let (stream, working) = login.streams.take(view.stream, &request.connection)?;
    let step = match request.operation {
        Operation::StreamUpdate => Step::Update,
        Operation::StreamFinish => Step::Finish(view.proof.as_deref()),
        _ => Step::Repeat(view.proof.as_deref().unwrap_or_default()),
    };
    let objects = &shared.boundary.objects;
    let (data, goes_on) = objects.step_stream(&login.caller, stream, step, view.offset, data)?;
    if let Some(stream) = goes_on {
        working.give_back(stream);
    }
    Ok(Answer::Crypt(CryptResponse { data, iv: None }))
}

fn mechanism(code: u64) -> Result<MechanismType, Refusal> {
    let text = "The HSM does not know this mechanism.";
    MechanismType::from_code(code).ok_or_else(|| Refusal::of_request(Rv::MECHANISM_INVALID, text))
}

/// A token object that the caller does not see here may have been made, or shared, on another HSM: catch up before saying
/// so.
fn know(shared: &Shared, request: &Request, caller: &Caller, references: &[u64]) -> Result<(), Stop> {
    let objects = &shared.boundary.objects;
    let is_unknown =
        |reference: &u64| reference & SESSION_OBJECT_BIT == 0 && !objects.sees(caller, *reference);
    if request.is_checked || !references.iter().any(is_unknown) || !shared.lease.is_live() {
        return Ok(());
    }
    Err(Stop::Park(Need::Lookup))
}
