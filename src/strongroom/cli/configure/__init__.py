"""``configure-pkcs11``, ``configure-cli``, ``configure-openssl-provider``, ``configure-dyn``.

AWS's names for programs that write the clients' configuration file (aws-cloudhsm 4.4).
"""
