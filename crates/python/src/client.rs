//! `Client`: the client core for the CLI and the Python SDK.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use strongroom_client::{Config, LoginView};
use strongroom_wiping::scrubbed;
use strongroom_wire::{AttributeValue, Field, Operation, Role, Rv, Secret, Template, Value};

use crate::convert::{message_from_python, message_to_python, to_python};
use crate::errors::{from_client, refused};
use crate::tickets::SecretTicket;

/// A connection pool to one cluster.
#[pyclass(frozen, module = "strongroom._native")]
pub(crate) struct Client(strongroom_client::Client);

/// A token for one login, with that login's own key until it is used.
#[pyclass(frozen, module = "strongroom._native")]
pub(crate) struct LoginToken {
    #[pyo3(get)]
    token: Py<PyBytes>,
    unused: Mutex<Option<strongroom_client::LoginToken>>,
}

#[pymethods]
impl Client {
    #[new]
    fn new(config: &str) -> PyResult<Self> {
        let config = Config::parse(config, Path::new(".")).map_err(from_client)?;
        let log = Arc::new(config.log);
        let cluster = config.clusters.into_iter().next();
        let cluster =
            cluster.ok_or_else(|| refused(Rv::ARGUMENTS_BAD, "the configuration names no cluster"))?;
        strongroom_client::Client::new(cluster, log).map(Self).map_err(from_client)
    }

    fn login<'py>(
        &self,
        py: Python<'py>,
        username: &str,
        role: u8,
        password: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let role = role_of(role)?;
        let password = password_from_python(password)?;
        let login = py.detach(|| scrubbed(|| self.0.login(username, role, password))).map_err(from_client)?;
        login_to_python(py, &login)
    }

    fn login_token(&self, py: Python<'_>, username: &str, role: u8) -> PyResult<LoginToken> {
        let role = role_of(role)?;
        let token = py.detach(|| self.0.login_token(username, role)).map_err(from_client)?;
        Ok(LoginToken { token: PyBytes::new(py, &token.token).unbind(), unused: Mutex::new(Some(token)) })
    }

    fn login_with_token<'py>(
        &self,
        py: Python<'py>,
        username: &str,
        role: u8,
        password: &Bound<'py, PyAny>,
        token: &Bound<'py, LoginToken>,
        signature: Vec<u8>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let role = role_of(role)?;
        let password = password_from_python(password)?;
        let unused = token.get().unused.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unused = unused
            .ok_or_else(|| refused(Rv::ARGUMENTS_BAD, "this token was used: ask for one for each login"))?;
        let login = py
            .detach(|| scrubbed(|| self.0.login_with_token(username, role, password, unused, signature)))
            .map_err(from_client)?;
        login_to_python(py, &login)
    }

    fn logout(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.logout()).map_err(from_client)
    }

    fn is_logged_in(&self) -> bool {
        self.0.logged_in().is_some()
    }

    fn call<'py>(
        &self,
        py: Python<'py>,
        operation: u16,
        body: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let operation = Operation::from_code(operation)
            .ok_or_else(|| refused(Rv::FUNCTION_NOT_SUPPORTED, "there is no operation with this number"))?;
        let request = message_from_python(body)?;
        let response =
            py.detach(|| scrubbed(|| self.0.call_value(operation, request))).map_err(from_client)?;
        message_to_python(py, shown(response))
    }

    fn members(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let members = self.0.members().iter().map(Field::to_value).collect();
        to_python(py, Value::List(members))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

/// What an HSM has answered belongs to the caller, so that here its secrets are bytes: random numbers, and the value of
/// a certificate, which has the attribute of key material.
fn shown(value: Value) -> Value {
    match value {
        Value::Secret(secret) => Value::Bytes(secret.0.to_vec()),
        Value::Template(template) => Value::Template(shown_template(&template)),
        Value::List(values) => Value::List(values.into_iter().map(shown).collect()),
        Value::Record(members) => {
            Value::Record(members.into_iter().map(|(name, value)| (name, shown(value))).collect())
        }
        other => other,
    }
}

fn shown_template(template: &Template) -> Template {
    let shown = |value: &AttributeValue| match value {
        AttributeValue::Secret(secret) => AttributeValue::Bytes(secret.0.to_vec()),
        other => other.clone(),
    };
    template.iter().map(|(attribute, value)| (attribute, shown(value))).collect()
}

fn role_of(code: u8) -> PyResult<Role> {
    Role::from_code(code).ok_or_else(|| refused(Rv::USER_TYPE_INVALID, "no such role"))
}

/// A ticket, or a string.
fn password_from_python(password: &Bound<'_, PyAny>) -> PyResult<Secret> {
    if let Ok(ticket) = password.cast::<SecretTicket>() {
        let secret = ticket.get().bytes().cloned();
        return secret.ok_or_else(|| refused(Rv::ARGUMENTS_BAD, "this ticket stands for a template"));
    }
    Ok(Secret::new(password.cast::<PyString>()?.to_str()?.as_bytes().to_vec()))
}

fn login_to_python<'py>(py: Python<'py>, login: &LoginView) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("login_id", login.login_id)?;
    dict.set_item("username", &login.username)?;
    dict.set_item("role", login.role.code())?;
    Ok(dict)
}
