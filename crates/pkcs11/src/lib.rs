//! libstrongroom_pkcs11.so: PKCS #11 2.40 over the client core.
