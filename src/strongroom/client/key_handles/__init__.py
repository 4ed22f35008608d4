"""Keys of a cluster as objects: what they are, and their use, which always happens in an HSM.

Private and public keys implement pyca/cryptography's abstract classes, so that whatever signs with a key of its own
signs with one of these.
"""
