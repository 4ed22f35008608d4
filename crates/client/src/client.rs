//! The client of one cluster: calls with failover and retries, and the login.

mod hedge;
mod long;
mod pieces;
mod stream;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use strongroom_wire::bodies::{request_from_value, response_to_value};
use strongroom_wire::messages::{
    CryptResponse, Empty, ErrorReply, LoginRequest, LoginResponse, LoginTokenRequest, LoginWithTokenRequest,
    LogoutRequest, MechanismParameters, Member as MemberView, TicketResponse, TokenResponse,
};
use strongroom_wire::{
    Frame, FrameType, Header, MechanismType, Message, Operation, RetryClass, Role, Rv, Secret, Value, bulk,
    codec,
};

use crate::config::ClusterConfig;
use crate::connection::{Connection, Lost, Pending, lock};
use crate::error::{Error, Origin, Result};
use crate::fork;
use crate::log::{Level, Log};
use crate::login::{ClientKey, Login, LoginToken, LoginView, new_client_key};
use crate::pool::Pool;
use crate::retry::{Budget, pause, quick_random};
use crate::route::{Route, route, with_request_id};

use self::hedge::Latency;

pub use self::stream::Stream;

/// A connection pool to one cluster, with server check, failover, retries and at most one login. All methods may be
/// called from any thread. A client does not survive `fork`: in a child every call is refused.
#[derive(Debug)]
pub struct Client {
    pool: Pool,
    changing_login: Mutex<()>,
    /// The HSM that has this client's session objects.
    home: Mutex<Option<Arc<str>>>,
    budget: Budget,
    latency: Latency,
    epoch: u64,
}

/// How long an HSM that sends calls elsewhere gets none, where others are there: it refuses faster than they answer, so it
/// would draw the calls to it until the budget is spent.
const REST_AFTER_REFUSAL: Duration = Duration::from_millis(250);

/// What is asked of an HSM.
struct Call<'a> {
    operation: Operation,
    body: &'a [u8],
    login_id: u64,
    deadline: Instant,
}

/// Why an attempt did not give an answer.
enum Attempt {
    /// The connection went; another HSM may do it.
    ConnectionLost(Arc<str>),
    /// The HSM says that another may do it.
    TryAnother(Error),
    /// The HSM does not know the login (any more).
    NotLoggedIn(Error),
    /// That is the answer.
    Final(Error),
}

impl Client {
    /// A client; nothing is connected before the first call.
    ///
    /// # Errors
    /// The trust anchor is not a usable certificate.
    pub fn new(config: ClusterConfig, log: Arc<Log>) -> Result<Self> {
        Ok(Self {
            pool: Pool::new(config, log)?,
            changing_login: Mutex::new(()),
            home: Mutex::new(None),
            budget: Budget::new(),
            latency: Latency::default(),
            epoch: fork::epoch(),
        })
    }

    /// One request with typed messages.
    ///
    /// # Errors
    /// The HSM's refusal, or why no HSM answered.
    pub fn call<Request: Message, Response: Message>(
        &self,
        operation: Operation,
        request: &Request,
    ) -> Result<Response> {
        let mut body = request.to_bytes();
        let answer = self.call_raw(operation, &body);
        if holds_secret(operation) {
            codec::wipe(&mut body);
        }
        Response::from_bytes(&answer?).map_err(|error| unreadable(operation, &error))
    }

    /// `sign`, `encrypt` or `decrypt`, without copies of the data.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn crypt(
        &self,
        operation: Operation,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &[u8],
    ) -> Result<CryptResponse> {
        let body = bulk::crypt_request(key, mechanism.code(), parameters, data);
        let answer = self.call_raw(operation, &body)?;
        bulk::crypt_response(answer).map_err(|error| unreadable(operation, &error))
    }

    /// One request by member names. The password of `user_create`, `activate` and the like may be text or bytes. Data of
    /// `sign`, `verify`, `encrypt` and `decrypt` may be longer than a request where the mechanism takes streams or can be
    /// done in pieces.
    ///
    /// # Errors
    /// As [`Client::call`], and `CKR_ARGUMENTS_BAD` for members that are missing or of another type.
    pub fn call_value(&self, operation: Operation, request: Value) -> Result<Value> {
        if let Some(response) = self.call_long(operation, &request)? {
            return Ok(response);
        }
        let request = with_secret_password(request);
        let mut body = request_from_value(operation, &request).ok_or_else(|| {
            Error::local(
                Rv::ARGUMENTS_BAD,
                format!("a member of {} is missing or of another type", operation.name()),
            )
        })?;
        let answer = self.call_raw(operation, &body);
        if holds_secret(operation) {
            codec::wipe(&mut body);
        }
        response_to_value(operation, &answer?).map_err(|error| unreadable(operation, &error))
    }

    /// One request, bodies encoded.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn call_raw(&self, operation: Operation, body: &[u8]) -> Result<Vec<u8>> {
        let is_own = matches!(
            operation,
            Operation::Hello
                | Operation::Attach
                | Operation::Login
                | Operation::LoginToken
                | Operation::LoginWithToken
                | Operation::StreamOpen
                | Operation::StreamUpdate
                | Operation::StreamFinish
                | Operation::StreamRepeat
                | Operation::StreamClose
        );
        if is_own {
            return Err(Error::local(
                Rv::ARGUMENTS_BAD,
                format!("{} is the client's own; use its methods", operation.name()),
            ));
        }
        let login = self.login_for(operation)?;
        self.perform(operation, body, login.as_ref(), self.deadline()).map(|(frame, _)| frame.body)
    }

    /// The login that an operation goes out with.
    fn login_for(&self, operation: Operation) -> Result<Option<Arc<Login>>> {
        let login = self.pool.login();
        if login.is_none() && !operation.roles().contains(&Role::None) {
            return Err(Error::local(Rv::USER_NOT_LOGGED_IN, "log in first"));
        }
        if let Some(login) = &login {
            self.renew_ticket_if_due(login);
        }
        Ok(login)
    }

    /// Logs in; the password is wiped afterwards.
    ///
    /// # Errors
    /// `CKR_USER_ALREADY_LOGGED_IN`, or the HSM's refusal.
    pub fn login(&self, username: &str, role: Role, password: Secret) -> Result<LoginView> {
        let _changing = lock(&self.changing_login);
        self.check_logged_out()?;
        let (key, client_key) = new_client_key()?;
        let request = LoginRequest {
            username: username.to_owned(),
            role: u64::from(role.code()),
            password,
            client_key,
        };
        let body = request.to_bytes();
        drop(request);
        self.finish_login(Operation::Login, body, key)
    }

    /// What a user with a second factor is to sign for one login.
    ///
    /// # Errors
    /// `CKR_USER_ALREADY_LOGGED_IN`, or why no HSM answered.
    pub fn login_token(&self, username: &str, role: Role) -> Result<LoginToken> {
        self.check_logged_out()?;
        let (key, client_key) = new_client_key()?;
        let request = LoginTokenRequest {
            username: username.to_owned(),
            role: u64::from(role.code()),
            client_key: client_key.clone(),
        };
        let operation = Operation::LoginToken;
        let (frame, _) = self.perform(operation, &request.to_bytes(), None, self.deadline())?;
        let response =
            TokenResponse::from_bytes(&frame.body).map_err(|error| unreadable(operation, &error))?;
        Ok(LoginToken { token: response.token, key, client_key })
    }

    /// As [`Client::login`], with a signature over a token of [`Client::login_token`] too. It is not repeated when its
    /// answer is lost, because the token may be spent: ask for a new one then.
    ///
    /// # Errors
    /// As there.
    pub fn login_with_token(
        &self,
        username: &str,
        role: Role,
        password: Secret,
        token: LoginToken,
        signature: Vec<u8>,
    ) -> Result<LoginView> {
        let _changing = lock(&self.changing_login);
        self.check_logged_out()?;
        let request = LoginWithTokenRequest {
            username: username.to_owned(),
            role: u64::from(role.code()),
            password,
            client_key: token.client_key,
            token: token.token,
            signature,
        };
        let body = request.to_bytes();
        drop(request);
        self.finish_login(Operation::LoginWithToken, body, token.key)
    }

    fn check_logged_out(&self) -> Result<()> {
        if self.pool.login().is_some() {
            return Err(Error::local(Rv::USER_ALREADY_LOGGED_IN, "this client is logged in; log out first"));
        }
        Ok(())
    }

    /// Sends a login, whose body is wiped, and uses it from now on.
    fn finish_login(&self, operation: Operation, mut body: Vec<u8>, key: ClientKey) -> Result<LoginView> {
        let answer = self.perform(operation, &body, None, self.deadline());
        codec::wipe(&mut body);
        let (frame, connection) = answer?;
        let response =
            LoginResponse::from_bytes(&frame.body).map_err(|error| unreadable(operation, &error))?;
        let login = Login::new(response, key)?;
        connection.attached.store(login.view.login_id, Ordering::Release);
        let view = login.view.clone();
        self.pool.log.write(Level::Info, &format!("logged in as {}", view.username));
        self.pool.set_login(Some(Arc::new(login)));
        Ok(view)
    }

    /// Logs out: the login and its session objects end, here in any case.
    ///
    /// # Errors
    /// `CKR_USER_NOT_LOGGED_IN`. An HSM that cannot be reached is no error: the ticket runs out by itself.
    pub fn logout(&self) -> Result<()> {
        self.logout_until(self.deadline())
    }

    /// As [`Client::logout`], waiting no longer than this for the HSM.
    ///
    /// # Errors
    /// As there.
    pub fn logout_within(&self, longest: Duration) -> Result<()> {
        self.logout_until(Instant::now() + longest)
    }

    fn logout_until(&self, deadline: Instant) -> Result<()> {
        let _changing = lock(&self.changing_login);
        let Some(login) = self.pool.set_login(None) else {
            return Err(Error::local(Rv::USER_NOT_LOGGED_IN, "log in first"));
        };
        let home = lock(&self.home).take();
        let request = LogoutRequest { request_id: None }.to_bytes();
        if let Err(error) = self.perform(Operation::Logout, &request, Some(&login), deadline) {
            self.pool.log.write(Level::Warn, &format!("logout was not confirmed: {error}; home {home:?}"));
        }
        Ok(())
    }

    /// Who is logged in.
    pub fn logged_in(&self) -> Option<LoginView> {
        self.pool.login().map(|login| login.view.clone())
    }

    /// The role of who is logged in.
    pub fn role(&self) -> Option<Role> {
        self.pool.login().map(|login| login.view.role)
    }

    /// The HSMs that the client knows, as it reaches them; `hsm_id` is empty for one that it has not met.
    pub fn members(&self) -> Vec<MemberView> {
        let view = |member: Arc<crate::member::Member>| MemberView {
            hsm_id: member.any().map_or_else(String::new, |connection| connection.peer.hsm_id.to_string()),
            address: member.server.hostname.clone(),
            port: u64::from(member.server.port),
        };
        self.pool.members().into_iter().map(view).collect()
    }

    /// How many HSMs the client knows.
    pub fn member_count(&self) -> usize {
        self.pool.members().len()
    }

    /// Connects if there is no connection: shows whether the cluster can be reached and passes the server check.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn connect(&self) -> Result<()> {
        self.check_process()?;
        self.connection(Route::Any, None, self.deadline()).map(|_| ())
    }

    /// The newest revision of the cluster that an answer carried.
    pub fn revision(&self) -> u64 {
        self.pool.revision()
    }

    /// The cluster's id: from the configuration, or as the first HSM gave it.
    pub fn cluster_id(&self) -> Option<String> {
        self.pool.cluster_id()
    }

    /// The largest data of one operation in bytes, as the last HSM told that was connected.
    pub fn max_data(&self) -> Option<u64> {
        self.pool.max_data()
    }

    /// Whether the cluster is in mode FIPS, as the last HSM told that was connected.
    pub fn is_fips(&self) -> bool {
        self.pool.is_fips()
    }

    /// The log that the configuration asks for.
    pub fn log(&self) -> &Log {
        &self.pool.log
    }

    /// Ends all connections. Later calls connect again.
    pub fn close(&self) {
        if self.check_process().is_ok() {
            self.pool.close();
        }
    }

    fn check_process(&self) -> Result<()> {
        if self.epoch == fork::epoch() {
            return Ok(());
        }
        Err(Error::local(Rv::CRYPTOKI_NOT_INITIALIZED, "this client was made before a fork; make a new one"))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_millis(u64::from(self.pool.config().deadline_ms))
    }

    /// A request with everything that makes it arrive.
    fn perform(
        &self,
        operation: Operation,
        body: &[u8],
        login: Option<&Arc<Login>>,
        deadline: Instant,
    ) -> Result<(Frame, Arc<Connection>)> {
        self.check_process()?;
        let mut with_id = Vec::new();
        let body = match operation.retry_class() {
            RetryClass::Create | RetryClass::Change => {
                with_id = with_request_id(body, &random_id()?);
                &with_id
            }
            RetryClass::Pure | RetryClass::Never => body,
        };
        let answer = self.repeat(operation, body, login, deadline);
        if holds_secret(operation) {
            codec::wipe(&mut with_id);
        }
        answer
    }

    fn repeat(
        &self,
        operation: Operation,
        body: &[u8],
        login: Option<&Arc<Login>>,
        deadline: Instant,
    ) -> Result<(Frame, Arc<Connection>)> {
        let route = route(operation, body);
        let retries = self.pool.config().retries;
        self.budget.deposit();
        self.pool.maintain(Instant::now(), false);
        let mut avoid = None;
        let mut attempts = 0_u32;
        let mut reattached = false;
        loop {
            let connection = self.connection(route, avoid.as_ref(), deadline)?;
            let is_answered_anywhere = operation.lane().is_none() && operation != Operation::StreamOpen;
            let may_hedge = retries && route == Route::Any && is_answered_anywhere;
            let (connection, attempt) = self.attempt(connection, operation, body, login, deadline, may_hedge);
            self.pool.take_notices(&connection);
            let failure = match attempt {
                Ok(frame) => return Ok((frame, connection)),
                Err(failure) => failure,
            };
            attempts += 1;
            let error = match failure {
                Attempt::Final(error) => return Err(error),
                Attempt::NotLoggedIn(error) => {
                    // The HSM may have forgotten the login with its connection: the ticket brings it back, once.
                    if reattached || login.is_none() {
                        self.login_ended(login);
                        return Err(error);
                    }
                    reattached = true;
                    connection.attached.store(0, Ordering::Release);
                    continue;
                }
                Attempt::ConnectionLost(reason) => {
                    self.pool.lost(&connection, &reason);
                    let error = Error::network(format!(
                        "{} was lost during {}: {reason}",
                        connection.peer.hsm_id,
                        operation.name()
                    ));
                    if operation.retry_class() == RetryClass::Never {
                        return Err(error);
                    }
                    error
                }
                Attempt::TryAnother(error) => {
                    connection.rest(REST_AFTER_REFUSAL);
                    if !retries || !self.budget.withdraw() || attempts >= 8 {
                        return Err(error);
                    }
                    let left = deadline.saturating_duration_since(Instant::now());
                    std::thread::sleep(pause(attempts, quick_random()).min(left));
                    error
                }
            };
            if !retries || Instant::now() >= deadline {
                return Err(error);
            }
            self.pool.log.write(Level::Debug, &format!("{} is repeated: {error}", operation.name()));
            avoid = Some(connection);
        }
    }

    /// The connection for a request.
    fn connection(
        &self,
        route: Route,
        avoid: Option<&Arc<Connection>>,
        deadline: Instant,
    ) -> Result<Arc<Connection>> {
        let any = |avoid| match self.pool.choose(avoid) {
            Some(connection) => Ok(connection),
            None => self.pool.wait_for(None, deadline),
        };
        if route == Route::Any {
            return any(avoid);
        }
        let home = lock(&self.home).clone();
        let at_home = home.as_ref().and_then(|home| self.pool.to_hsm(home));
        match (at_home, home, route) {
            (Some(connection), _, _) => Ok(connection),
            (None, Some(home), Route::OnlyHome | Route::Home) => {
                match self.pool.wait_for(Some(&home), deadline) {
                    Ok(connection) => Ok(connection),
                    Err(_) if route == Route::Home => any(avoid),
                    Err(error) => Err(Error {
                        text: format!("{home}, which made this session object, is not there: {}", error.text),
                        ..error
                    }),
                }
            }
            (None, None, Route::OnlyHome) => {
                Err(Error::local(Rv::OBJECT_HANDLE_INVALID, "the HSM that made this session object is gone"))
            }
            (None, _, Route::MakesHome) => {
                let connection = any(avoid)?;
                *lock(&self.home) = Some(Arc::clone(&connection.peer.hsm_id));
                Ok(connection)
            }
            (None, _, _) => any(avoid),
        }
    }

    /// One attempt; gives the connection whose outcome it is.
    fn attempt(
        &self,
        connection: Arc<Connection>,
        operation: Operation,
        body: &[u8],
        login: Option<&Arc<Login>>,
        deadline: Instant,
        may_hedge: bool,
    ) -> (Arc<Connection>, std::result::Result<Frame, Attempt>) {
        if let Some(login) = login
            && let Err(failure) = self.attach(&connection, login, deadline)
        {
            return (connection, Err(failure));
        }
        let call = Call { operation, body, login_id: login.map_or(0, |login| login.view.login_id), deadline };
        if may_hedge {
            let (second, outcome) = self.exchange_hedged(&connection, &call);
            return (second.unwrap_or(connection), outcome);
        }
        let outcome = self.exchange(&connection, &call);
        (connection, outcome)
    }

    /// Makes the login known on a connection.
    fn attach(
        &self,
        connection: &Arc<Connection>,
        login: &Arc<Login>,
        deadline: Instant,
    ) -> std::result::Result<(), Attempt> {
        if connection.attached.load(Ordering::Acquire) == login.view.login_id {
            return Ok(());
        }
        let _attaching = lock(&connection.attaching);
        if connection.attached.load(Ordering::Acquire) == login.view.login_id {
            return Ok(());
        }
        let request = login.attach_request(&connection.peer.exporter).to_bytes();
        let call = Call { operation: Operation::Attach, body: &request, login_id: 0, deadline };
        self.exchange(connection, &call)?;
        connection.attached.store(login.view.login_id, Ordering::Release);
        Ok(())
    }

    fn exchange(&self, connection: &Connection, call: &Call<'_>) -> std::result::Result<Frame, Attempt> {
        let answer = self.begin(connection, call).and_then(|pending| {
            pending.wait(call.deadline);
            pending.finish()
        });
        self.judge(connection, call, answer)
    }

    /// Queues a call on a connection.
    fn begin<'c>(
        &self,
        connection: &'c Connection,
        call: &Call<'_>,
    ) -> std::result::Result<Pending<'c>, Lost> {
        let Call { operation, body, login_id, deadline } = *call;
        let left = deadline.saturating_duration_since(Instant::now());
        let header = Header {
            frame_type: FrameType::Request,
            operation: operation.code(),
            request_id: 0, // the connection's
            login_id,
            revision: self.pool.revision(),
            deadline_ms: u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1),
            trace_id: quick_random(),
        };
        if self.pool.log.takes(Level::Trace) {
            let line = format!("sends {} to {}", operation.name(), connection.peer.hsm_id);
            self.pool.log.write(Level::Trace, &line);
        }
        connection.begin(&header, body, holds_secret(operation))
    }

    /// What an answer, or its absence, means for the call.
    fn judge(
        &self,
        connection: &Connection,
        call: &Call<'_>,
        answer: std::result::Result<Frame, Lost>,
    ) -> std::result::Result<Frame, Attempt> {
        let operation = call.operation;
        let frame = answer.map_err(|lost| match lost {
            Lost::Failed(reason) => Attempt::ConnectionLost(reason),
            Lost::TimedOut => Attempt::Final(Error {
                rv: Rv::DEVICE_ERROR,
                text: format!("{} did not answer {} in time", connection.peer.hsm_id, operation.name()),
                origin: Origin::Network,
            }),
            Lost::TooLong => Attempt::Final(Error::local(Rv::DATA_LEN_RANGE, "the request is over 1 MiB")),
        })?;
        self.pool.saw_revision(frame.header.revision);
        match frame.header.frame_type {
            FrameType::Response => Ok(frame),
            _ => Err(refusal(operation, &frame)),
        }
    }

    fn login_ended(&self, login: Option<&Arc<Login>>) {
        if let Some(login) = login
            && self.pool.drop_login(login)
        {
            self.pool.log.write(Level::Warn, &format!("the login of {} has ended", login.view.username));
            *lock(&self.home) = None;
        }
    }

    fn renew_ticket_if_due(&self, login: &Arc<Login>) {
        if !login.wants_renewal(Instant::now()) {
            return;
        }
        let ticket = self
            .perform(Operation::RenewTicket, &Empty {}.to_bytes(), Some(login), self.deadline())
            .and_then(|(frame, _)| {
                TicketResponse::from_bytes(&frame.body)
                    .map_err(|error| unreadable(Operation::RenewTicket, &error))
            })
            .map(|response| (response.ticket, response.lifetime_seconds));
        if let Err(error) = &ticket {
            self.pool.log.write(Level::Warn, &format!("the login's ticket was not renewed: {error}"));
        }
        login.renewed(ticket.ok());
    }
}

fn refusal(operation: Operation, frame: &Frame) -> Attempt {
    let reply = match ErrorReply::from_bytes(&frame.body) {
        Ok(reply) if reply.rv != 0 => reply,
        _ => {
            return Attempt::Final(Error::hsm(Rv::DEVICE_ERROR, "the HSM sent an error that cannot be read"));
        }
    };
    let error = Error::hsm(Rv(reply.rv), reply.text);
    if error.rv == Rv::USER_NOT_LOGGED_IN {
        return Attempt::NotLoggedIn(error);
    }
    if reply.retry == RetryClass::Pure as u64 {
        return Attempt::TryAnother(error);
    }
    // An attach that is refused for its own sake ends the login: its ticket is no longer good.
    if operation == Operation::Attach {
        return Attempt::NotLoggedIn(Error { rv: Rv::USER_NOT_LOGGED_IN, ..error });
    }
    Attempt::Final(error)
}

fn unreadable(operation: Operation, error: &codec::DecodeError) -> Error {
    Error::hsm(Rv::DEVICE_ERROR, format!("the HSM's answer to {} cannot be read: {error}", operation.name()))
}

fn random_id() -> Result<[u8; 16]> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_| Error::local(Rv::GENERAL_ERROR, "no random numbers for a request id"))?;
    Ok(id)
}

/// Whether the body of a request holds a password or key material.
fn holds_secret(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Login
            | Operation::Activate
            | Operation::UserCreate
            | Operation::ChangePassword
            | Operation::LoginWithToken
            | Operation::ChangeMfa
            | Operation::CreateObject
    )
}

/// Makes a secret of a member `password` that came as text or bytes.
fn with_secret_password(value: Value) -> Value {
    let secret = |name: &str, value: Value| match value {
        Value::Text(text) if name == "password" => Value::Secret(Secret::new(text.into_bytes())),
        Value::Bytes(bytes) if name == "password" => Value::Secret(Secret::new(bytes)),
        other => other,
    };
    match value {
        Value::Named(members) => Value::Named(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = secret(&name, value);
                    (name, value)
                })
                .collect(),
        ),
        Value::Record(members) => {
            Value::Record(members.into_iter().map(|(name, value)| (name, secret(name, value))).collect())
        }
        other => other,
    }
}
