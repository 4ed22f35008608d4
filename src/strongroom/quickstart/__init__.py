"""The quick-start cluster: made as a customer makes one, with public APIs and installed programs only.

CreateCluster and its like go over HTTP with a signature, users are made with ``cloudhsm-cli``, keys with
``pkcs11-tool`` and our PKCS #11 library. An import contract keeps this room from every inner door.
"""
