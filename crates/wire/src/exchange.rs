//! Which messages an operation exchanges, and both of them in their form with names ([`Value`]).

use crate::codec::{DecodeError, Field, Message, Value};
use crate::messages::*;
use crate::tables::Operation;

macro_rules! exchanges {
    ($($operation:ident: $request:ty => $response:ty,)*) => {
        /// A request's form with names from its body.
        ///
        /// # Errors
        /// The body is not the request of the operation.
        pub fn decode_request(operation: Operation, body: &[u8]) -> Result<Value, DecodeError> {
            match operation { $(Operation::$operation => Ok(<$request>::from_bytes(body)?.to_value()),)* }
        }

        /// A request's body from its form with names; none when a member is missing or of another type.
        pub fn encode_request(operation: Operation, value: &Value) -> Option<Vec<u8>> {
            match operation { $(Operation::$operation => Some(<$request>::from_value(value)?.to_bytes()),)* }
        }

        /// A response's form with names from its body.
        ///
        /// # Errors
        /// The body is not the response of the operation.
        pub fn decode_response(operation: Operation, body: &[u8]) -> Result<Value, DecodeError> {
            match operation { $(Operation::$operation => Ok(<$response>::from_bytes(body)?.to_value()),)* }
        }

        /// A response's body from its form with names; none when a member is missing or of another type.
        pub fn encode_response(operation: Operation, value: &Value) -> Option<Vec<u8>> {
            match operation { $(Operation::$operation => Some(<$response>::from_value(value)?.to_bytes()),)* }
        }
    };
}

exchanges! {
    Hello: HelloRequest => HelloResponse,
    Ping: Empty => Empty,
    Attach: AttachRequest => Empty,
    RenewTicket: Empty => TicketResponse,
    Members: Empty => MembersResponse,
    Sign: CryptRequest => CryptResponse,
    Verify: VerifyRequest => Empty,
    Encrypt: CryptRequest => CryptResponse,
    Decrypt: CryptRequest => CryptResponse,
    Random: RandomRequest => RandomResponse,
    Find: FindRequest => FindResponse,
    Attributes: AttributesRequest => ObjectsResponse,
    Login: LoginRequest => LoginResponse,
    Logout: LogoutRequest => Empty,
    Activate: ActivateRequest => UserResponse,
    UserCreate: UserRequest => UserResponse,
    UserDelete: UserDeleteRequest => UserResponse,
    UserList: Empty => UserListResponse,
    ChangePassword: UserRequest => UserResponse,
    HsmInfo: Empty => HsmInfoResponse,
    GenerateKey: GenerateKeyRequest => ObjectsResponse,
    GenerateKeyPair: GenerateKeyPairRequest => ObjectsResponse,
    CreateObject: CreateObjectRequest => ObjectsResponse,
    DestroyObject: DestroyObjectRequest => Empty,
    SetAttributes: SetAttributesRequest => ObjectsResponse,
    WrapKey: WrapKeyRequest => CryptResponse,
    UnwrapKey: UnwrapKeyRequest => ObjectsResponse,
}

/// The member that carries the request id of a create or change.
pub const REQUEST_ID: &str = "request_id";
/// Length of a request id in bytes.
pub const REQUEST_ID_LENGTH: usize = 16;

/// Takes the request id out of a request's form with names.
pub fn take_request_id(request: &mut Value) -> Option<Vec<u8>> {
    let Value::Record(members) = request else { return None };
    let index = members.iter().position(|(name, _)| *name == REQUEST_ID)?;
    match members.remove(index).1 {
        Value::Bytes(id) => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Secret;

    fn user_request(request_id: Option<Vec<u8>>) -> UserRequest {
        UserRequest { username: "ann".into(), role: 1, password: Secret::new(b"secret".to_vec()), request_id }
    }

    #[test]
    fn a_request_survives_its_form_with_names() {
        let body = user_request(Some(vec![7; 16])).to_bytes();
        let value = decode_request(Operation::UserCreate, &body).ok();
        assert_eq!(value.and_then(|value| encode_request(Operation::UserCreate, &value)), Some(body));
    }

    #[test]
    fn without_its_request_id_a_request_is_the_same_for_every_repeat() {
        let mut first =
            decode_request(Operation::UserCreate, &user_request(Some(vec![1; 16])).to_bytes()).ok();
        let id = first.as_mut().and_then(take_request_id);
        assert_eq!(id, Some(vec![1; 16]));
        let stripped = first.and_then(|value| encode_request(Operation::UserCreate, &value));
        assert_eq!(stripped, Some(user_request(None).to_bytes()));
    }

    #[test]
    fn a_response_with_a_missing_or_wrong_member_is_not_encoded() {
        let wrong = Value::Named(vec![("username".into(), Value::Unsigned(1))]);
        assert_eq!(encode_response(Operation::UserCreate, &wrong), None);
        let missing = Value::Named(vec![("username".into(), Value::Text("ann".into()))]);
        assert_eq!(encode_response(Operation::UserCreate, &missing), None);
    }
}
