//! The HSM's data plane: listener, sessions, hot dispatch, managed queue.
