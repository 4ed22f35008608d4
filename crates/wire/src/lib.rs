//! What a client and an HSM say to each other: frames, messages and the tables behind them.
//!
//! Nothing here touches a socket, a clock or a key. Bytes go in and messages come out; the sockets are in
//! `strongroom-engine` and `strongroom-client`.

pub mod bodies;
pub mod bulk;
pub mod codec;
mod decoder;
pub mod frame;
pub mod messages;
pub mod ml_dsa;
pub mod rv;
pub mod tables;
pub mod template;

pub use codec::{DecodeError, Field, Message, Secret, Value};
pub use decoder::FrameDecoder;
pub use frame::{Frame, FrameError, FrameType, Header, encode_frame, encode_frame_with};
pub use rv::Rv;
pub use tables::{AttributeType, KeyKind, MechanismType, Operation, RetryClass, Role};
pub use template::{AttributeValue, Template};
