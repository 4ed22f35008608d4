//! The bodies of all operations. The operation table (`tables/operations.toml`) says which goes with which: the
//! request of `generate_key` is [`GenerateKeyRequest`], its response [`ObjectsResponse`].
//!
//! Keys are never reused. Key 15 of every managed create or change is its 128-bit request id.

use crate::codec::{List, Secret};
use crate::message;
use crate::template::Template;

message! {
    /// An error: why a request was refused.
    pub struct ErrorReply {
        1 => /** The PKCS #11 return code. */ rv: u64,
        2 => /** For people: what was wrong and what to do. No secrets. */ text: String,
        3 => /** [`crate::tables::RetryClass`] of this failure: pure = another HSM may answer. */ retry: u64,
    }

    /// One HSM of the cluster as a client reaches it.
    pub struct Member {
        1 => hsm_id: String,
        2 => address: String,
        3 => port: u64,
    }

    /// First message on a connection; answered before any login.
    pub struct HelloRequest {
        1 => /** Lowest protocol version spoken; now 1. */ version_min: u64,
        2 => /** Highest protocol version spoken; now 1. */ version_max: u64,
        3 => /** Program name and version, for the log. */ client: String,
        4 => /** The cluster that the client expects, if it is configured. */ cluster_id: Option<String>,
        5 => /** Newest revision that the client saw. */ revision: u64,
        6 => /** The head at that revision. */ head: Option<Vec<u8>>,
    }

    /// The HSM's side of HELLO.
    pub struct HelloResponse {
        1 => version: u64,
        2 => cluster_id: String,
        3 => hsm_id: String,
        4 => revision: u64,
        5 => head: Vec<u8>,
        6 => members: List<Member>,
        7 => /** `FIPS` or `NON_FIPS`. */ mode: String,
        8 => /** Largest data of one operation, bytes. */ max_data: u64,
    }

    /// Any request without members.
    pub struct Empty {}

    /// Answer to `members`.
    pub struct MembersResponse {
        1 => members: List<Member>,
    }

    /// Sent by an HSM without a request.
    pub struct Notice {
        1 => /** 1 = members changed, 2 = draining: move to another HSM. */ kind: u64,
        2 => members: List<Member>,
    }

    /// Uses a login on this connection.
    pub struct AttachRequest {
        1 => ticket: Vec<u8>,
        2 => /** By the login's client key over [`attach_message`]. */ signature: Vec<u8>,
    }

    /// A ticket and how long it lives.
    pub struct TicketResponse {
        1 => ticket: Vec<u8>,
        2 => /** Seconds from now. */ lifetime_seconds: u64,
    }

    /// Parameters of a mechanism: only those that the mechanism's row names are read.
    pub struct MechanismParameters {
        1 => /** IV, counter block or chaining value. */ iv: Option<Vec<u8>>,
        2 => counter_bits: Option<u64>,
        3 => aad: Option<Vec<u8>>,
        4 => tag_bits: Option<u64>,
        5 => /** Digest mechanism number (`CKM_*`). */ hash: Option<u64>,
        6 => /** `CKG_MGF1_*`. */ mgf: Option<u64>,
        7 => salt_length: Option<u64>,
        8 => /** OAEP label. */ label: Option<Vec<u8>>,
        9 => /** `CKD_*`: what is done with the secret that two EC keys share. */ kdf: Option<u64>,
        10 => /** The other party's EC point. */ public_data: Option<Vec<u8>>,
        11 => /** What a derived key is bound to: SharedInfo of X9.63, info of HKDF. */ info: Option<Vec<u8>>,
        12 => /** Of HKDF. */ salt: Option<Vec<u8>>,
        13 => /** HKDF makes a pseudo-random key first. */ extract: bool,
        14 => /** HKDF expands the pseudo-random key. */ expand: bool,
        15 => /** The mechanism number of the pseudo-random function of SP 800-108. */ prf: Option<u64>,
        16 => /** What that function runs over, in this order. */ prf_inputs: List<PrfInput>,
        17 => /** Bits of the AES key between an RSA key and the key that is wrapped. */ key_bits: Option<u64>,
        18 => /** Ed25519ph: the data is its SHA-512. */ prehash: bool,
        19 => /** Of Ed25519ph, Ed25519ctx and ML-DSA. */ context: Option<Vec<u8>>,
        20 => /** Of PBKDF2. */ iterations: Option<u64>,
        21 => /** `CKH_*`: whether an ML-DSA signature takes random bytes. */ hedge: Option<u64>,
        22 => /** Bytes of all of the plaintext, which AES-CCM wants to know before the first. */ data_length: Option<u64>,
    }

    /// A part of what the pseudo-random function of SP 800-108 runs over: bytes, a number of so many bits, or with neither
    /// what the function gave last (feedback mode).
    pub struct PrfInput {
        1 => bytes: Option<Vec<u8>>,
        2 => bits: Option<u64>,
        3 => little_endian: bool,
        4 => /** `CK_SP800_108_DKM_LENGTH_*` of the length of what is derived; absent in the counter. */
            length_method: Option<u64>,
    }

    /// `sign`, `sign_recover`, `verify_recover` (whose data is a signature), `encrypt` and `decrypt`.
    pub struct CryptRequest {
        1 => key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => data: Vec<u8>,
    }

    /// Their result: a signature, what one holds, ciphertext or plaintext.
    pub struct CryptResponse {
        1 => data: Vec<u8>,
        2 => /** The IV that the HSM made (GCM). */ iv: Option<Vec<u8>>,
    }

    /// `digest`, for data that has values of keys in it.
    pub struct DigestRequest {
        1 => mechanism: u64,
        2 => parts: List<DigestPart>,
    }

    /// Data, and the value of a key behind it.
    pub struct DigestPart {
        1 => data: Vec<u8>,
        2 => key: Option<u64>,
    }

    /// The digest.
    pub struct DigestResponse {
        1 => digest: Vec<u8>,
    }

    /// `verify`; the answer is empty or `CKR_SIGNATURE_INVALID`.
    pub struct VerifyRequest {
        1 => key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => data: Vec<u8>,
        5 => signature: Vec<u8>,
    }

    /// `stream_open`: an operation over data of any length, on the HSM that answers.
    pub struct StreamOpenRequest {
        1 => key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => /** The operation that it is the long form of: the number of `sign`, `verify`, `encrypt` or `decrypt`. */ operation: u64,
        5 => /** The signature to verify, where that is not the last step's: Ed25519. */ signature: Option<Vec<u8>>,
    }

    /// The stream.
    pub struct StreamOpenResponse {
        1 => /** Its number, on this connection. */ stream: u64,
        2 => /** The IV that the HSM made (GCM, GMAC). */ iv: Option<Vec<u8>>,
    }

    /// `stream_update`: the next data. The answer is the ciphertext of an encryption, the mark of data that come twice.
    pub struct StreamUpdateRequest {
        1 => stream: u64,
        2 => /** How much data came before. */ offset: u64,
        3 => data: Vec<u8>,
    }

    /// `stream_finish`: the last data. The answer is the MAC, the rest of the ciphertext with the tag behind it, or the
    /// mark of data that come twice, when the tag over them is right.
    pub struct StreamFinishRequest {
        1 => stream: u64,
        2 => offset: u64,
        3 => data: Vec<u8>,
        4 => /** The MAC or tag to check. */ signature: Option<Vec<u8>>,
    }

    /// `stream_repeat`: data of a decryption or an Ed25519 signature once more. The answer is their plaintext, or with the
    /// last the signature.
    pub struct StreamRepeatRequest {
        1 => stream: u64,
        2 => offset: u64,
        3 => data: Vec<u8>,
        4 => /** What `stream_update` or `stream_finish` gave for the same data in the same place. */ mark: Vec<u8>,
    }

    /// `stream_close`: a stream that is not needed any more; one that is over already is no error.
    pub struct StreamCloseRequest {
        1 => stream: u64,
    }

    /// `random`.
    pub struct RandomRequest {
        1 => /** Bytes wanted, at most [`HelloResponse::max_data`]; without a login [`RANDOM_WITHOUT_LOGIN`]. */ length: u64,
    }

    /// Its result.
    pub struct RandomResponse {
        1 => data: Secret,
    }

    /// `find`: references of the visible objects that match, ascending.
    pub struct FindRequest {
        1 => template: Template,
        2 => /** Only references above this one. */ after: u64,
        3 => /** At most so many; the HSM may give fewer. */ limit: u64,
        4 => /** Whether to give their attributes too. */ with_attributes: bool,
    }

    /// Its result.
    pub struct FindResponse {
        1 => objects: List<ObjectView>,
        2 => /** Whether there are more after the last. */ more: bool,
        3 => /** How many match in all. */ total: u64,
    }

    /// `attributes`: everything readable of some objects.
    pub struct AttributesRequest {
        1 => references: List<u64>,
    }

    /// Its result: objects that are not visible are left out.
    pub struct ObjectsResponse {
        1 => objects: List<ObjectView>,
    }

    /// An object as its user sees it.
    pub struct ObjectView {
        1 => reference: u64,
        2 => /** Every readable attribute; sensitive ones are left out. */ attributes: Template,
        3 => /** Rises with each change of the object. */ version: u64,
        4 => owner: String,
        5 => shared_users: List<String>,
        6 => /** None where one user alone may do everything. */ quorum: Option<KeyQuorum>,
    }

    /// How many of those who own or share a key must approve what is done with it: at least 2, at most 8.
    pub struct KeyQuorum {
        1 => /** Wrapping, unwrapping, sharing, changes of attributes. */ manage: u64,
        2 => /** Signatures. */ usage: u64,
    }

    /// `login`.
    pub struct LoginRequest {
        1 => username: String,
        2 => /** [`crate::tables::Role`]. */ role: u64,
        3 => password: Secret,
        4 => /** Ed25519 public key made for this login, 32 bytes. */ client_key: Vec<u8>,
    }

    /// A login: use its id in every further frame of the connection.
    pub struct LoginResponse {
        1 => login_id: u64,
        2 => username: String,
        3 => role: u64,
        4 => ticket: Vec<u8>,
        5 => lifetime_seconds: u64,
    }

    /// `login_token`: what a user with a second factor is to sign for one login.
    pub struct LoginTokenRequest {
        1 => username: String,
        2 => role: u64,
        3 => /** The Ed25519 public key of that login, 32 bytes. */ client_key: Vec<u8>,
    }

    /// A token: its signature is RSASSA-PKCS1-v1_5 with SHA-256 over these bytes.
    pub struct TokenResponse {
        1 => token: Vec<u8>,
        2 => /** Seconds from now. */ lifetime_seconds: u64,
    }

    /// `login_with_token`.
    pub struct LoginWithTokenRequest {
        1 => username: String,
        2 => /** [`crate::tables::Role`]. */ role: u64,
        3 => password: Secret,
        4 => /** That of the token. */ client_key: Vec<u8>,
        5 => token: Vec<u8>,
        6 => signature: Vec<u8>,
    }

    /// `mfa_token`: what the owner of a user's new second factor is to sign.
    pub struct MfaTokenRequest {
        1 => username: String,
        2 => role: u64,
    }

    /// `change_mfa`: a new password and a new second factor, or none any more where there is no public key.
    pub struct ChangeMfaRequest {
        1 => username: String,
        2 => role: u64,
        3 => password: Secret,
        4 => /** RSA-2048, SubjectPublicKeyInfo. */ public_key: Option<Vec<u8>>,
        5 => /** Of `mfa_token`; with a public key. */ token: Option<Vec<u8>>,
        6 => /** By that key's private half. */ signature: Option<Vec<u8>>,
        7 => /** Whether the user's key for quorum approvals becomes this one too, or goes too. */ change_quorum: bool,
        8 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `logout`.
    pub struct LogoutRequest {
        15 => request_id: Option<Vec<u8>>,
    }

    /// `activate`: the first password of the user `admin`.
    pub struct ActivateRequest {
        1 => username: String,
        2 => password: Secret,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `user_create`.
    pub struct UserRequest {
        1 => username: String,
        2 => role: u64,
        3 => password: Secret,
        4 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `change_password`; role and name say whose.
    pub struct ChangePasswordRequest {
        1 => username: String,
        2 => role: u64,
        3 => password: Secret,
        4 => /** Whether the user's second factor goes too. */ deregister_mfa: bool,
        5 => /** Whether the user's key for quorum approvals goes too. */ deregister_quorum: bool,
        6 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `user_delete`.
    pub struct UserDeleteRequest {
        1 => username: String,
        2 => role: u64,
        3 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// The user that an operation was about.
    pub struct UserResponse {
        1 => username: String,
        2 => role: u64,
    }

    /// One user of `user_list`.
    pub struct UserView {
        1 => username: String,
        2 => role: u64,
        3 => locked: bool,
        4 => mfa: bool,
        5 => quorum: bool,
    }

    /// `user_list`.
    pub struct UserListResponse {
        1 => users: List<UserView>,
    }

    /// One trust anchor of mutual TLS (aws-cloudhsm.md 3.6).
    pub struct TrustAnchorView {
        1 => /** 1 or 2. */ reference: u64,
        2 => /** PEM. */ certificate: String,
    }

    /// `mtls_register`.
    pub struct RegisterTrustAnchorRequest {
        1 => /** PEM. */ certificate: String,
        2 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `mtls_deregister`.
    pub struct DeregisterTrustAnchorRequest {
        1 => references: List<u64>,
        2 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `mtls_set_enforcement`.
    pub struct SetEnforcementRequest {
        1 => /** Whether clients must have a certificate. */ enforced: bool,
        2 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// What the cluster says of its clients' certificates.
    pub struct MutualTlsResponse {
        1 => anchors: List<TrustAnchorView>,
        2 => enforced: bool,
    }

    /// An approval of a quorum token: whose it is, and the signature over the token's approval data, RSASSA-PKCS1-v1_5 with
    /// SHA-256.
    pub struct TokenApproval {
        1 => username: String,
        2 => /** [`crate::tables::Role`], 0 where it is not said. */ role: u64,
        3 => signature: Vec<u8>,
    }

    /// A quorum token with its approvals: what an operation needs that more than one user must want.
    pub struct QuorumApproval {
        1 => /** Of `quorum_token`. */ approval_data: Vec<u8>,
        2 => approvals: List<TokenApproval>,
    }

    /// `quorum_token`: what is to be signed for one operation of a service.
    pub struct QuorumTokenRequest {
        1 => /** The number of the service in approval data. */ service: u64,
        2 => /** Of a service of a key's. */ key: Option<u64>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// A token. Its id is the SHA-256 of its approval data.
    pub struct QuorumTokenResponse {
        1 => approval_data: Vec<u8>,
        2 => /** Seconds from now. */ lifetime_seconds: u64,
    }

    /// A token that may still be used.
    pub struct QuorumTokenView {
        1 => username: String,
        2 => service: u64,
        3 => /** Of a service of a key's. */ key: Option<u64>,
        4 => approvals_required: u64,
        5 => /** Seconds from now. */ timeout_seconds: u64,
        6 => /** Of the request's approvals, those that are for this token and count. */ number_of_approvals: u64,
    }

    /// `quorum_tokens`.
    pub struct QuorumTokensRequest {
        1 => /** To be checked and counted, and not used. */ approval: Option<QuorumApproval>,
    }

    /// `quorum_tokens`.
    pub struct QuorumTokensResponse {
        1 => tokens: List<QuorumTokenView>,
    }

    /// `delete_quorum_tokens`.
    pub struct DeleteQuorumTokensRequest {
        1 => /** Everybody's, not only the caller's. */ all: bool,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `quorum_values`: how many approvals each service needs; 1 is none.
    pub struct QuorumValuesResponse {
        1 => user: u64,
        2 => quorum: u64,
        3 => cluster: u64,
    }

    /// `set_quorum_value`.
    pub struct SetQuorumValueRequest {
        1 => service: u64,
        2 => value: u64,
        3 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `quorum_timeouts`, in seconds.
    pub struct QuorumTimeoutsResponse {
        1 => /** Within which a token is approved. */ generated: u64,
        2 => /** Within which what was approved is used. */ approved: u64,
    }

    /// `set_quorum_timeout`, in seconds; what is not given stays.
    pub struct SetQuorumTimeoutRequest {
        1 => generated: Option<u64>,
        2 => approved: Option<u64>,
        3 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `register_quorum`: the caller's key for approvals.
    pub struct RegisterQuorumRequest {
        1 => /** RSA-2048, SubjectPublicKeyInfo. */ public_key: Vec<u8>,
        2 => /** Of a token for a registration. */ approval_data: Vec<u8>,
        3 => /** By that key's private half. */ signature: Vec<u8>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// One HSM of `hsm_info` (aws-cloudhsm.md 4.2).
    pub struct HsmInfoView {
        1 => vendor: String,
        2 => model: String,
        3 => serial_number: String,
        4 => hardware_version_major: u64,
        5 => hardware_version_minor: u64,
        6 => firmware_version_major: u64,
        7 => firmware_version_minor: u64,
        8 => firmware_build_number: u64,
        9 => firmware_id: String,
        10 => fips_state: String,
    }

    /// `hsm_info`: every HSM of the cluster.
    pub struct HsmInfoResponse {
        1 => hsms: List<HsmInfoView>,
    }

    /// `generate_key`. A key that is made from a password takes parameters and the password.
    pub struct GenerateKeyRequest {
        1 => mechanism: u64,
        2 => template: Template,
        3 => /** Crypto-users that the key is shared with from the beginning. */ shared_users: List<String>,
        4 => parameters: Option<MechanismParameters>,
        5 => password: Option<Secret>,
        6 => quorum: Option<KeyQuorum>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `generate_key_pair`; the answer has the public key first.
    pub struct GenerateKeyPairRequest {
        1 => mechanism: u64,
        2 => public_template: Template,
        3 => private_template: Template,
        4 => /** Crypto-users that the private key is shared with from the beginning. */ shared_users: List<String>,
        5 => /** Of the private key. */ quorum: Option<KeyQuorum>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `create_object`.
    pub struct CreateObjectRequest {
        1 => template: Template,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `destroy_object`.
    pub struct DestroyObjectRequest {
        1 => reference: u64,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `set_attributes`.
    pub struct SetAttributesRequest {
        1 => reference: u64,
        2 => template: Template,
        3 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `copy_object`; the template says what differs.
    pub struct CopyObjectRequest {
        1 => reference: u64,
        2 => template: Template,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `share_key` and `unshare_key`.
    pub struct ShareKeyRequest {
        1 => reference: u64,
        2 => /** The crypto-user with whom the key is, or is no longer, shared. */ username: String,
        3 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `wrap_key`.
    pub struct WrapKeyRequest {
        1 => wrapping_key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => key: u64,
    }

    /// `wrap_with_approval`: of one of the keys or of both.
    pub struct WrapWithApprovalRequest {
        1 => wrapping_key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => key: u64,
        5 => wrapping_approval: Option<QuorumApproval>,
        6 => /** Of the key that is wrapped. */ payload_approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `sign_with_approval`: a signature by a key whose use needs approvals.
    pub struct SignWithApprovalRequest {
        1 => key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => data: Vec<u8>,
        5 => approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `unwrap_key`.
    pub struct UnwrapKeyRequest {
        1 => unwrapping_key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => wrapped_key: Vec<u8>,
        5 => template: Template,
        6 => /** Crypto-users that the new key is shared with from the beginning. */ shared_users: List<String>,
        7 => /** Of the new key. */ quorum: Option<KeyQuorum>,
        8 => /** Of the unwrapping key. */ approval: Option<QuorumApproval>,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `derive_key`.
    pub struct DeriveKeyRequest {
        1 => base_key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => template: Template,
        15 => request_id: Option<Vec<u8>>,
    }

    /// `encapsulate_key`.
    pub struct EncapsulateKeyRequest {
        1 => public_key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => template: Template,
        15 => request_id: Option<Vec<u8>>,
    }

    /// Its result.
    pub struct EncapsulateKeyResponse {
        1 => objects: List<ObjectView>,
        2 => /** What the private key opens to the same secret key. */ ciphertext: Vec<u8>,
    }

    /// `decapsulate_key`.
    pub struct DecapsulateKeyRequest {
        1 => private_key: u64,
        2 => mechanism: u64,
        3 => parameters: Option<MechanismParameters>,
        4 => ciphertext: Vec<u8>,
        5 => template: Template,
        15 => request_id: Option<Vec<u8>>,
    }
}

/// Parameters without members.
pub const NO_PARAMETERS: MechanismParameters = MechanismParameters {
    iv: None,
    counter_bits: None,
    aad: None,
    tag_bits: None,
    hash: None,
    mgf: None,
    salt_length: None,
    label: None,
    kdf: None,
    public_data: None,
    info: None,
    salt: None,
    extract: false,
    expand: false,
    prf: None,
    prf_inputs: List(Vec::new()),
    key_bits: None,
    prehash: false,
    context: None,
    iterations: None,
    hedge: None,
    data_length: None,
};

/// The number in a session object's reference that token objects never have: the top bit. The other bits of a session
/// object's reference are random, so that references of two HSMs do not meet.
pub const SESSION_OBJECT_BIT: u64 = 1 << 63;

/// Random bytes that one call gives who has not logged in.
pub const RANDOM_WITHOUT_LOGIN: u64 = 1024;

/// Length of the TLS exporter value that ties an attach to its connection.
pub const EXPORTER_LENGTH: usize = 32;
/// The label of that exporter (RFC 8446 section 7.5).
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-strongroom-attach-1";

/// What a login's client key signs to attach the login to a connection.
pub fn attach_message(exporter: &[u8; EXPORTER_LENGTH], ticket: &[u8]) -> Vec<u8> {
    let mut message = b"strongroom attach 1\0".to_vec();
    message.extend_from_slice(exporter);
    message.extend_from_slice(ticket);
    message
}
