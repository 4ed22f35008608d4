//! Which HSM a request must go to. Token objects are on every HSM; session objects only on the one that made them.

use strongroom_wire::messages::{
    AttributesRequest, CopyObjectRequest, CreateObjectRequest, DecapsulateKeyRequest, DeriveKeyRequest,
    EncapsulateKeyRequest, GenerateKeyPairRequest, GenerateKeyRequest, SESSION_OBJECT_BIT, UnwrapKeyRequest,
    WrapKeyRequest,
};
use strongroom_wire::{AttributeType, Message, Operation, Template};

/// Where a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To any HSM.
    Any,
    /// To the HSM that has this process's session objects, if there is one.
    Home,
    /// It makes a session object: to that HSM, which is chosen now if there is none.
    MakesHome,
    /// It uses a session object: nowhere else.
    OnlyHome,
}

/// Reads just as much of the body as the answer needs. A malformed body goes anywhere and is refused there.
pub(crate) fn route(operation: Operation, body: &[u8]) -> Route {
    match operation {
        Operation::Sign
        | Operation::Verify
        | Operation::SignRecover
        | Operation::VerifyRecover
        | Operation::Encrypt
        | Operation::Decrypt
        | Operation::StreamOpen
        | Operation::DestroyObject
        | Operation::SetAttributes
        | Operation::ShareKey
        | Operation::UnshareKey => for_references(&[first_member(body)]),
        Operation::Find => Route::Home,
        Operation::Attributes => AttributesRequest::from_bytes(body)
            .map_or(Route::Any, |request| for_references(&request.references.0)),
        Operation::WrapKey => WrapKeyRequest::from_bytes(body)
            .map_or(Route::Any, |request| for_references(&[request.wrapping_key, request.key])),
        Operation::UnwrapKey => UnwrapKeyRequest::from_bytes(body).map_or(Route::Any, |request| {
            match for_references(&[request.unwrapping_key]) {
                Route::Any => for_template(&request.template),
                other => other,
            }
        }),
        Operation::DeriveKey => DeriveKeyRequest::from_bytes(body).map_or(Route::Any, |request| {
            match for_references(&[request.base_key]) {
                Route::Any => for_template(&request.template),
                other => other,
            }
        }),
        Operation::EncapsulateKey => EncapsulateKeyRequest::from_bytes(body).map_or(Route::Any, |request| {
            match for_references(&[request.public_key]) {
                Route::Any => for_template(&request.template),
                other => other,
            }
        }),
        Operation::DecapsulateKey => DecapsulateKeyRequest::from_bytes(body).map_or(Route::Any, |request| {
            match for_references(&[request.private_key]) {
                Route::Any => for_template(&request.template),
                other => other,
            }
        }),
        Operation::CopyObject => CopyObjectRequest::from_bytes(body).map_or(Route::Any, |request| {
            match for_references(&[request.reference]) {
                // What the template does not say is as in the original, which is a token object.
                Route::Any if request.template.bool(AttributeType::Token) == Some(false) => Route::MakesHome,
                other => other,
            }
        }),
        Operation::GenerateKey => {
            GenerateKeyRequest::from_bytes(body).map_or(Route::Any, |request| for_template(&request.template))
        }
        Operation::GenerateKeyPair => {
            GenerateKeyPairRequest::from_bytes(body).map_or(Route::Any, |request| {
                match for_template(&request.public_template) {
                    Route::Any => for_template(&request.private_template),
                    other => other,
                }
            })
        }
        Operation::CreateObject => CreateObjectRequest::from_bytes(body)
            .map_or(Route::Any, |request| for_template(&request.template)),
        _ => Route::Any,
    }
}

fn for_references(references: &[u64]) -> Route {
    if references.iter().any(|reference| reference & SESSION_OBJECT_BIT != 0) {
        Route::OnlyHome
    } else {
        Route::Any
    }
}

/// An absent `CKA_TOKEN` means a session object (PKCS #11 2.40 section 4.4).
fn for_template(template: &Template) -> Route {
    if template.bool(AttributeType::Token) == Some(true) { Route::Any } else { Route::MakesHome }
}

/// The value of member 1 where it is a number; it is the first in these messages.
fn first_member(body: &[u8]) -> u64 {
    use strongroom_wire::codec::Field;
    match body {
        [_, 1, rest @ ..] => u64::decode(&mut &rest[..]).unwrap_or(0),
        _ => 0,
    }
}

/// Adds the request id (member 15) to the body of a create or a change, unless its caller has set one.
pub(crate) fn with_request_id(body: &[u8], request_id: &[u8; 16]) -> Vec<u8> {
    use strongroom_wire::codec::{Field, skip_value};
    let mut out = body.to_vec();
    let Some(&first) = body.first() else { return out };
    // A message of up to 15 members is a fixmap; all messages with a request id are.
    if first & 0xf0 != 0x80 || first & 0x0f == 0x0f {
        return out;
    }
    let mut rest = &body[1..];
    for _ in 0..first & 0x0f {
        match u64::decode(&mut rest) {
            Ok(15) | Err(_) => return out,
            Ok(_) if skip_value(&mut rest).is_err() => return out,
            Ok(_) => {}
        }
    }
    out[0] += 1;
    15_u64.encode(&mut out);
    request_id.to_vec().encode(&mut out);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use strongroom_wire::AttributeValue;
    use strongroom_wire::codec::List;
    use strongroom_wire::messages::{CryptRequest, DestroyObjectRequest, LogoutRequest};

    #[test]
    fn session_objects_and_what_makes_them_go_home() {
        let session = SESSION_OBJECT_BIT | 5;
        let sign = |key| CryptRequest { key, mechanism: 1, parameters: None, data: vec![] }.to_bytes();
        assert_eq!(route(Operation::Sign, &sign(5)), Route::Any);
        assert_eq!(route(Operation::Sign, &sign(session)), Route::OnlyHome);
        assert_eq!(route(Operation::SignRecover, &sign(session)), Route::OnlyHome);
        assert_eq!(route(Operation::VerifyRecover, &sign(session)), Route::OnlyHome);
        let token = Template::new().with(AttributeType::Token, AttributeValue::Bool(true));
        let make = |template| {
            GenerateKeyRequest {
                mechanism: 1,
                template,
                shared_users: List(Vec::new()),
                parameters: None,
                password: None,
                quorum: None,
                request_id: None,
            }
            .to_bytes()
        };
        assert_eq!(route(Operation::GenerateKey, &make(token)), Route::Any);
        assert_eq!(route(Operation::GenerateKey, &make(Template::new())), Route::MakesHome);
        let derive = |base_key, template| {
            DeriveKeyRequest { base_key, mechanism: 1, parameters: None, template, request_id: None }
                .to_bytes()
        };
        let token = Template::new().with(AttributeType::Token, AttributeValue::Bool(true));
        assert_eq!(route(Operation::DeriveKey, &derive(5, token.clone())), Route::Any);
        assert_eq!(route(Operation::DeriveKey, &derive(5, Template::new())), Route::MakesHome);
        assert_eq!(route(Operation::DeriveKey, &derive(session, token)), Route::OnlyHome);
        let decapsulate = |private_key, template| {
            DecapsulateKeyRequest {
                private_key,
                mechanism: 1,
                parameters: None,
                ciphertext: vec![],
                template,
                request_id: None,
            }
            .to_bytes()
        };
        let token = Template::new().with(AttributeType::Token, AttributeValue::Bool(true));
        assert_eq!(route(Operation::DecapsulateKey, &decapsulate(5, token.clone())), Route::Any);
        assert_eq!(route(Operation::DecapsulateKey, &decapsulate(5, Template::new())), Route::MakesHome);
        assert_eq!(route(Operation::DecapsulateKey, &decapsulate(session, token)), Route::OnlyHome);
        assert_eq!(route(Operation::Find, &[]), Route::Home);
        assert_eq!(route(Operation::Sign, &[0xff]), Route::Any);
    }

    #[test]
    fn a_request_id_is_added_once() {
        let id = [7; 16];
        let body = with_request_id(&DestroyObjectRequest { reference: 9, request_id: None }.to_bytes(), &id);
        let request = DestroyObjectRequest::from_bytes(&body).unwrap();
        assert_eq!((request.reference, request.request_id.as_deref()), (9, Some(&id[..])));
        assert_eq!(with_request_id(&body, &[8; 16]), body);
        let empty = with_request_id(&LogoutRequest { request_id: None }.to_bytes(), &id);
        assert_eq!(LogoutRequest::from_bytes(&empty).unwrap().request_id.as_deref(), Some(&id[..]));
    }
}
