//! Messages and templates between Rust and Python. Secrets become tickets, or are left out of templates.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString};
use strongroom_wire::tables::Kind;
use strongroom_wire::{AttributeType, AttributeValue, Rv, Secret, Template, Value};

use crate::errors::refused;
use crate::tickets::SecretTicket;

/// A message member for Python.
pub(crate) fn to_python(py: Python<'_>, value: Value) -> PyResult<Py<PyAny>> {
    Ok(match value {
        Value::None => py.None(),
        Value::Bool(flag) => PyBool::new(py, flag).to_owned().into_any().unbind(),
        Value::Unsigned(number) => number.into_pyobject(py)?.into_any().unbind(),
        Value::Bytes(bytes) => PyBytes::new(py, &bytes).into_any().unbind(),
        Value::Text(text) => PyString::new(py, &text).into_any().unbind(),
        Value::Secret(secret) => Py::new(py, SecretTicket::of_bytes(secret))?.into_any(),
        Value::List(values) => {
            let values =
                values.into_iter().map(|value| to_python(py, value)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, values)?.into_any().unbind()
        }
        Value::Record(members) => {
            let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            members_to_python(py, members)?.into_any().unbind()
        }
        Value::Named(members) => members_to_python(py, members)?.into_any().unbind(),
        Value::Template(template) => template_to_python(py, &template)?.into_any().unbind(),
    })
}

fn members_to_python(py: Python<'_>, members: Vec<(String, Value)>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in members {
        dict.set_item(name, to_python(py, value)?)?;
    }
    Ok(dict)
}

/// A message for Python.
pub(crate) fn message_to_python(py: Python<'_>, message: Value) -> PyResult<Bound<'_, PyDict>> {
    match message {
        Value::Record(members) => {
            members_to_python(py, members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        }
        Value::Named(members) => members_to_python(py, members),
        _ => Err(refused(Rv::GENERAL_ERROR, "a message is no record")),
    }
}

fn template_to_python<'py>(py: Python<'py>, template: &Template) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (attribute, value) in template.iter() {
        let code = attribute.code();
        match value {
            AttributeValue::Bool(flag) => dict.set_item(code, flag)?,
            AttributeValue::Ulong(number) => dict.set_item(code, number)?,
            AttributeValue::Bytes(bytes) => dict.set_item(code, PyBytes::new(py, bytes))?,
            AttributeValue::Text(text) => dict.set_item(code, text)?,
            AttributeValue::Template(nested) => dict.set_item(code, template_to_python(py, nested)?)?,
            AttributeValue::Mechanisms(numbers) => dict.set_item(code, PyList::new(py, &numbers.0)?)?,
            AttributeValue::Secret(_) => {}
        }
    }
    Ok(dict)
}

/// The members of a message from Python.
pub(crate) fn message_from_python(message: &Bound<'_, PyDict>) -> PyResult<Value> {
    let mut members = Vec::with_capacity(message.len());
    for (name, value) in message.iter() {
        members.push((name.extract::<String>()?, from_python(&value)?));
    }
    Ok(Value::Named(members))
}

fn from_python(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::None);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(Value::Unsigned(value.extract()?));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::Text(text.extract()?));
    }
    if let Ok(ticket) = value.cast::<SecretTicket>() {
        let secret = ticket.get().bytes().cloned();
        return secret
            .map(Value::Secret)
            .ok_or_else(|| refused(Rv::ARGUMENTS_BAD, "this ticket stands for a template, not for bytes"));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let is_template = dict.iter().all(|(key, _)| key.is_instance_of::<PyInt>());
        return if is_template {
            Ok(Value::Template(template_from_python(dict)?))
        } else {
            message_from_python(dict)
        };
    }
    if let Some(bytes) = bytes_from_python(value) {
        return Ok(Value::Bytes(bytes));
    }
    let elements = value.try_iter()?.map(|element| from_python(&element?)).collect::<PyResult<_>>()?;
    Ok(Value::List(elements))
}

/// `bytes`, `bytearray` or `memoryview`.
fn bytes_from_python(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(bytes.as_bytes().to_vec());
    }
    let is_buffer = ["bytearray", "memoryview"].contains(&value.get_type().name().ok()?.to_str().ok()?);
    let copy = value.py().get_type::<PyBytes>().call1((value,)).ok().filter(|_| is_buffer)?;
    Some(copy.cast::<PyBytes>().ok()?.as_bytes().to_vec())
}

/// A template from a dict by attribute number.
pub(crate) fn template_from_python(dict: &Bound<'_, PyDict>) -> PyResult<Template> {
    let mut template = Template::new();
    for (code, value) in dict.iter() {
        let code: u64 = code.extract()?;
        let attribute = AttributeType::from_code(code).ok_or_else(|| {
            refused(Rv::ATTRIBUTE_TYPE_INVALID, format!("there is no attribute with number {code:#x}"))
        })?;
        template.set(attribute, attribute_from_python(attribute, &value)?);
    }
    Ok(template)
}

fn attribute_from_python(attribute: AttributeType, value: &Bound<'_, PyAny>) -> PyResult<AttributeValue> {
    let wrong = || {
        let type_name = value.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        refused(
            Rv::ATTRIBUTE_VALUE_INVALID,
            format!("a value of {} cannot be a {type_name}", attribute.name()),
        )
    };
    Ok(match attribute.kind() {
        Kind::Bool => AttributeValue::Bool(value.cast::<PyBool>().map_err(|_| wrong())?.is_true()),
        Kind::Ulong => AttributeValue::Ulong(value.extract().map_err(|_| wrong())?),
        Kind::Text => AttributeValue::Text(value.extract().map_err(|_| wrong())?),
        Kind::Template => {
            AttributeValue::Template(template_from_python(value.cast::<PyDict>().map_err(|_| wrong())?)?)
        }
        Kind::Mechanisms => AttributeValue::mechanisms(value.extract::<Vec<u64>>().map_err(|_| wrong())?),
        Kind::Bytes | Kind::Bigint | Kind::Date => {
            let bytes = bytes_from_python(value).ok_or_else(wrong)?;
            if attribute.is_secret() {
                AttributeValue::Secret(Secret::new(bytes))
            } else {
                AttributeValue::Bytes(bytes)
            }
        }
    })
}
