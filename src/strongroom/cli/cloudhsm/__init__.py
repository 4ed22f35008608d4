"""``cloudhsm-cli``: AWS's CloudHSM CLI for users and keys of a cluster (aws-cloudhsm section 4).

Built on the Python SDK alone. Each command is one file under ``commands`` and returns the ``data`` of its answer; the
JSON envelope, the exit status and everything that touches a terminal are in one place each.
"""
