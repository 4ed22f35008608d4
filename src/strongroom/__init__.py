"""Strongroom: an open CloudHSM. Rust holds the keys; Python holds the rules."""
