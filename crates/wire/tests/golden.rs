//! Golden vectors: bytes of messages that must never change, because old clients and new HSMs meet.
#![allow(clippy::unwrap_used)]

use strongroom_wire::bodies;
use strongroom_wire::codec::{Field, List, Message, Secret, Value};
use strongroom_wire::messages::*;
use strongroom_wire::{AttributeType, AttributeValue, DecodeError, Operation, Template};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn label(text: &str) -> Template {
    Template::new()
        .with(AttributeType::Label, AttributeValue::Text(text.into()))
        .with(AttributeType::Token, AttributeValue::Bool(true))
        .with(AttributeType::Id, AttributeValue::Bytes(vec![1, 2]))
        .with(AttributeType::ValueLen, AttributeValue::Ulong(32))
}

#[test]
fn a_signature_request_has_the_bytes_of_the_first_release() {
    let request =
        CryptRequest { key: 0x0102_0304_0506_0708, mechanism: 0x1041, parameters: None, data: vec![0xaa; 4] };
    assert_eq!(hex(&request.to_bytes()), "8301cf010203040506070802cd104104c404aaaaaaaa");
}

#[test]
fn a_template_is_ordered_by_number_whatever_order_it_was_built_in() {
    let request = GenerateKeyRequest {
        mechanism: 0x1080,
        template: label("k"),
        shared_users: List(vec![]),
        parameters: None,
        password: None,
        quorum: None,
        request_id: Some(vec![9; 16]),
    };
    assert_eq!(
        hex(&request.to_bytes()),
        "8301cd1080028401c303a16bcd0102c4020102cd0161200fc41009090909090909090909090909090909"
    );
    assert_eq!(GenerateKeyRequest::from_bytes(&request.to_bytes()).unwrap(), request);
}

#[test]
fn a_request_to_share_a_key_has_the_bytes_of_its_first_release() {
    let request = ShareKeyRequest {
        reference: 0x11,
        username: "bob".into(),
        approval: None,
        request_id: Some(vec![9; 16]),
    };
    assert_eq!(hex(&request.to_bytes()), "83011102a3626f620fc41009090909090909090909090909090909");
    let request = GenerateKeyRequest {
        mechanism: 0x1080,
        template: Template::new(),
        shared_users: List(vec!["bob".into(), "eve".into()]),
        parameters: None,
        password: None,
        quorum: None,
        request_id: None,
    };
    assert_eq!(hex(&request.to_bytes()), "8201cd10800392a3626f62a3657665");
}

#[test]
fn the_messages_of_streams_have_the_bytes_of_their_first_release() {
    let open = StreamOpenRequest {
        key: 0x11,
        mechanism: 0x108a,
        parameters: None,
        operation: 0x10,
        signature: None,
    };
    assert_eq!(hex(&open.to_bytes()), "83011102cd108a0410");
    let opened = StreamOpenResponse { stream: 5, iv: Some(vec![7; 2]) };
    assert_eq!(hex(&opened.to_bytes()), "82010502c4020707");
    let update = StreamUpdateRequest { stream: 5, offset: 0x100, data: vec![0xaa; 2] };
    assert_eq!(hex(&update.to_bytes()), "83010502cd010003c402aaaa");
    let finish = StreamFinishRequest { stream: 5, offset: 0, data: vec![], signature: Some(vec![9]) };
    assert_eq!(hex(&finish.to_bytes()), "840105020003c40004c40109");
    let reveal = StreamRepeatRequest { stream: 5, offset: 0, data: vec![1], mark: vec![9] };
    assert_eq!(hex(&reveal.to_bytes()), "840105020003c4010104c40109");
    assert_eq!(hex(&StreamCloseRequest { stream: 5 }.to_bytes()), "810105");
}

#[test]
fn unknown_members_are_ignored_and_missing_ones_named() {
    let mut bytes = vec![0x83, 0x01, 0x05, 0x02, 0xcd, 0x10, 0x41, 0x63];
    bytes.extend_from_slice(&[
        0x82, 0x01, 0x92, 0xc0, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, b'x', 0xc4, 0x01, 0xff,
    ]);
    assert_eq!(CryptRequest::from_bytes(&bytes), Err(DecodeError::Missing("data")));
    let hello = [0x85, 0x01, 0x01, 0x02, 0x01, 0x03, 0xa1, b'c', 0x05, 0x00, 0x63, 0xc0];
    assert_eq!(HelloRequest::from_bytes(&hello).unwrap().client, "c");
}

#[test]
fn truncated_bodies_and_trailing_bytes_are_refused_at_every_length() {
    let request = UnwrapKeyRequest {
        unwrapping_key: 7,
        mechanism: 0x2109,
        parameters: Some(MechanismParameters { iv: Some(vec![0xa6; 8]), ..NO_PARAMETERS }),
        wrapped_key: vec![3; 40],
        template: label("u"),
        shared_users: List(vec![]),
        quorum: None,
        approval: None,
        request_id: None,
    };
    let bytes = request.to_bytes();
    for length in 0..bytes.len() {
        assert!(UnwrapKeyRequest::from_bytes(&bytes[..length]).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0xc0);
    assert_eq!(UnwrapKeyRequest::from_bytes(&longer), Err(DecodeError::Malformed));
    assert_eq!(UnwrapKeyRequest::from_bytes(&bytes).unwrap(), request);
}

#[test]
fn a_derivation_request_has_the_bytes_of_its_first_release() {
    let request = DeriveKeyRequest {
        base_key: 7,
        mechanism: 0x3ac,
        parameters: Some(MechanismParameters {
            prf: Some(0x251),
            prf_inputs: List(vec![
                PrfInput { bytes: None, bits: Some(32), little_endian: false, length_method: None },
                PrfInput { bytes: Some(vec![1, 2]), bits: None, little_endian: false, length_method: None },
                PrfInput { bytes: None, bits: Some(16), little_endian: true, length_method: Some(1) },
            ]),
            ..NO_PARAMETERS
        }),
        template: Template::new().with(AttributeType::ValueLen, AttributeValue::Ulong(32)),
        request_id: Some(vec![9; 16]),
    };
    assert_eq!(
        hex(&request.to_bytes()),
        "8501070\
         2cd03ac03820fcd02511093810220\
         8101c4020102\
         83021003c30401\
         0481cd016120\
         0fc41009090909090909090909090909090909"
            .replace(char::is_whitespace, "")
    );
    assert_eq!(DeriveKeyRequest::from_bytes(&request.to_bytes()).unwrap(), request);
    let value = bodies::request_to_value(Operation::DeriveKey, &request.to_bytes()).unwrap();
    assert_eq!(bodies::request_from_value(Operation::DeriveKey, &value).unwrap(), request.to_bytes());
}

#[test]
fn repeated_or_unordered_or_unknown_attributes_make_a_template_malformed() {
    for body in [
        &[0x82, 0x01, 0xc3, 0x01, 0xc3][..],
        &[0x82, 0x03, 0xa0, 0x01, 0xc3],
        &[0x81, 0xcd, 0x77, 0x77, 0xc3],
        &[0x81, 0x01, 0xa1, b'x'],
    ] {
        assert_eq!(Template::decode(&mut &body[..]), Err(DecodeError::Malformed));
    }
}

#[test]
fn lists_that_claim_more_than_the_body_holds_are_refused_without_memory() {
    let body = [0x81, 0x01, 0xdd, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(AttributesRequest::from_bytes(&body), Err(DecodeError::Malformed));
}

#[test]
fn deep_nesting_in_an_unknown_member_is_refused() {
    let mut body = vec![0x81, 0x63];
    body.extend(std::iter::repeat_n(0x91, 1000));
    assert_eq!(Empty::from_bytes(&body), Err(DecodeError::TooLarge));
}

#[test]
fn names_and_types_describe_the_same_message() {
    let request = LoginRequest {
        username: "alice".into(),
        role: 1,
        password: Secret::new(b"password1".to_vec()),
        client_key: vec![5; 32],
    };
    let value = bodies::request_to_value(Operation::Login, &request.to_bytes()).unwrap();
    let Value::Record(members) = &value else { panic!("a request is a record") };
    assert_eq!(members[0], ("username", Value::Text("alice".into())));
    assert_eq!(bodies::request_from_value(Operation::Login, &value).unwrap(), request.to_bytes());
    assert!(!format!("{value:?}").contains("password1"));

    let response = UserListResponse {
        users: List(vec![UserView {
            username: "a".into(),
            role: 2,
            locked: false,
            mfa: false,
            quorum: true,
        }]),
    };
    let value = bodies::response_to_value(Operation::UserList, &response.to_bytes()).unwrap();
    assert_eq!(bodies::response_from_value(Operation::UserList, &value).unwrap(), response.to_bytes());
    assert_eq!(bodies::response_from_value(Operation::Login, &value), None);
}

#[test]
fn a_change_of_a_password_alone_has_the_bytes_of_the_first_release() {
    let (username, role, request_id) = ("ann".to_owned(), 1, Some(vec![9; 16]));
    let password = Secret::new(b"password".to_vec());
    let first = UserRequest { username, role, password, approval: None, request_id };
    let (username, role, request_id) = ("ann".to_owned(), 1, Some(vec![9; 16]));
    let password = Secret::new(b"password".to_vec());
    let now = ChangePasswordRequest {
        username,
        role,
        password,
        deregister_mfa: false,
        deregister_quorum: false,
        approval: None,
        request_id,
    };
    assert_eq!(now.to_bytes(), first.to_bytes());
    assert_eq!(ChangePasswordRequest::from_bytes(&first.to_bytes()).unwrap(), now);
}

#[test]
fn an_approval_has_the_bytes_of_its_first_release() {
    let request = UserDeleteRequest {
        username: "ann".into(),
        role: 1,
        approval: Some(QuorumApproval {
            approval_data: vec![1, 2],
            approvals: List(vec![TokenApproval { username: "bob".into(), role: 2, signature: vec![3] }]),
        }),
        request_id: Some(vec![9; 16]),
    };
    assert_eq!(
        hex(&request.to_bytes()),
        "8401a3616e6e02010382\
         01c4020102\
         02918301a3626f62020203c40103\
         0fc41009090909090909090909090909090909"
            .replace(char::is_whitespace, "")
    );
    let value = bodies::request_to_value(Operation::UserDelete, &request.to_bytes()).unwrap();
    assert_eq!(bodies::request_from_value(Operation::UserDelete, &value).unwrap(), request.to_bytes());
}
