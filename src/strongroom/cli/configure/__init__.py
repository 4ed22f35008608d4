"""``configure-pkcs11``, ``-cli``, ``-openssl-provider``, ``-dyn``, ``-jce``, ``-ksp``.

AWS's names for programs that write the clients' configuration file (aws-cloudhsm 4.4).
"""
