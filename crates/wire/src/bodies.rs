//! Which message is the body of which operation, by operation number: for callers that have names instead of types
//! (the brain, and Python clients).

use crate::codec::{DecodeError, Message, Value};
use crate::messages::{
    ActivateRequest, AttachRequest, AttributesRequest, ChangeMfaRequest, ChangePasswordRequest,
    CopyObjectRequest, CreateObjectRequest, CryptRequest, CryptResponse, DecapsulateKeyRequest,
    DeleteQuorumTokensRequest, DeregisterTrustAnchorRequest, DeriveKeyRequest, DestroyObjectRequest,
    DigestRequest, DigestResponse, Empty, EncapsulateKeyRequest, EncapsulateKeyResponse, FindRequest,
    FindResponse, GenerateKeyPairRequest, GenerateKeyRequest, HelloRequest, HelloResponse, HsmInfoResponse,
    LoginRequest, LoginResponse, LoginTokenRequest, LoginWithTokenRequest, LogoutRequest, MembersResponse,
    MfaTokenRequest, MutualTlsResponse, ObjectsResponse, QuorumTimeoutsResponse, QuorumTokenRequest,
    QuorumTokenResponse, QuorumTokensRequest, QuorumTokensResponse, QuorumValuesResponse, RandomRequest,
    RandomResponse, RegisterQuorumRequest, RegisterTrustAnchorRequest, SetAttributesRequest,
    SetEnforcementRequest, SetQuorumTimeoutRequest, SetQuorumValueRequest, ShareKeyRequest,
    SignWithApprovalRequest, StreamCloseRequest, StreamFinishRequest, StreamOpenRequest, StreamOpenResponse,
    StreamRepeatRequest, StreamUpdateRequest, TicketResponse, TokenResponse, TrustAnchorView,
    UnwrapKeyRequest, UserDeleteRequest, UserListResponse, UserRequest, UserResponse, VerifyRequest,
    WrapKeyRequest, WrapWithApprovalRequest,
};
use crate::tables::Operation;

macro_rules! bodies {
    ($($operation:ident: $request:ident => $response:ident,)*) => {
        /// The request of an operation, with names.
        ///
        /// # Errors
        /// The bytes are not this operation's request.
        pub fn request_to_value(operation: Operation, body: &[u8]) -> Result<Value, DecodeError> {
            match operation {
                $(Operation::$operation => Ok(crate::codec::Field::to_value(&$request::from_bytes(body)?)),)*
            }
        }

        /// The request of an operation from its members by name; none when one is missing or of another type.
        pub fn request_from_value(operation: Operation, value: &Value) -> Option<Vec<u8>> {
            match operation {
                $(Operation::$operation => {
                    <$request as crate::codec::Field>::from_value(value).map(|message| message.to_bytes())
                })*
            }
        }

        /// The response of an operation, with names.
        ///
        /// # Errors
        /// The bytes are not this operation's response.
        pub fn response_to_value(operation: Operation, body: &[u8]) -> Result<Value, DecodeError> {
            match operation {
                $(Operation::$operation => Ok(crate::codec::Field::to_value(&$response::from_bytes(body)?)),)*
            }
        }

        /// The response of an operation from its members by name; none when one is missing or of another type.
        pub fn response_from_value(operation: Operation, value: &Value) -> Option<Vec<u8>> {
            match operation {
                $(Operation::$operation => {
                    <$response as crate::codec::Field>::from_value(value).map(|message| message.to_bytes())
                })*
            }
        }
    };
}

bodies! {
    Hello: HelloRequest => HelloResponse,
    Ping: Empty => Empty,
    Attach: AttachRequest => Empty,
    RenewTicket: Empty => TicketResponse,
    Members: Empty => MembersResponse,
    Sign: CryptRequest => CryptResponse,
    Verify: VerifyRequest => Empty,
    SignRecover: CryptRequest => CryptResponse,
    VerifyRecover: CryptRequest => CryptResponse,
    Encrypt: CryptRequest => CryptResponse,
    Decrypt: CryptRequest => CryptResponse,
    Random: RandomRequest => RandomResponse,
    Find: FindRequest => FindResponse,
    Attributes: AttributesRequest => ObjectsResponse,
    Digest: DigestRequest => DigestResponse,
    Login: LoginRequest => LoginResponse,
    Logout: LogoutRequest => Empty,
    Activate: ActivateRequest => UserResponse,
    UserCreate: UserRequest => UserResponse,
    UserDelete: UserDeleteRequest => UserResponse,
    UserList: Empty => UserListResponse,
    ChangePassword: ChangePasswordRequest => UserResponse,
    HsmInfo: Empty => HsmInfoResponse,
    LoginToken: LoginTokenRequest => TokenResponse,
    LoginWithToken: LoginWithTokenRequest => LoginResponse,
    MfaToken: MfaTokenRequest => TokenResponse,
    ChangeMfa: ChangeMfaRequest => UserResponse,
    MtlsList: Empty => MutualTlsResponse,
    MtlsRegister: RegisterTrustAnchorRequest => TrustAnchorView,
    MtlsDeregister: DeregisterTrustAnchorRequest => Empty,
    MtlsSetEnforcement: SetEnforcementRequest => Empty,
    QuorumToken: QuorumTokenRequest => QuorumTokenResponse,
    QuorumTokens: QuorumTokensRequest => QuorumTokensResponse,
    DeleteQuorumTokens: DeleteQuorumTokensRequest => Empty,
    QuorumValues: Empty => QuorumValuesResponse,
    SetQuorumValue: SetQuorumValueRequest => Empty,
    RegisterQuorum: RegisterQuorumRequest => UserResponse,
    QuorumTimeouts: Empty => QuorumTimeoutsResponse,
    SetQuorumTimeout: SetQuorumTimeoutRequest => Empty,
    GenerateKey: GenerateKeyRequest => ObjectsResponse,
    GenerateKeyPair: GenerateKeyPairRequest => ObjectsResponse,
    CreateObject: CreateObjectRequest => ObjectsResponse,
    DestroyObject: DestroyObjectRequest => Empty,
    SetAttributes: SetAttributesRequest => ObjectsResponse,
    WrapKey: WrapKeyRequest => CryptResponse,
    UnwrapKey: UnwrapKeyRequest => ObjectsResponse,
    DeriveKey: DeriveKeyRequest => ObjectsResponse,
    EncapsulateKey: EncapsulateKeyRequest => EncapsulateKeyResponse,
    DecapsulateKey: DecapsulateKeyRequest => ObjectsResponse,
    ShareKey: ShareKeyRequest => ObjectsResponse,
    UnshareKey: ShareKeyRequest => ObjectsResponse,
    SignWithApproval: SignWithApprovalRequest => CryptResponse,
    WrapWithApproval: WrapWithApprovalRequest => CryptResponse,
    CopyObject: CopyObjectRequest => ObjectsResponse,
    StreamOpen: StreamOpenRequest => StreamOpenResponse,
    StreamUpdate: StreamUpdateRequest => CryptResponse,
    StreamFinish: StreamFinishRequest => CryptResponse,
    StreamRepeat: StreamRepeatRequest => CryptResponse,
    StreamClose: StreamCloseRequest => Empty,
}
