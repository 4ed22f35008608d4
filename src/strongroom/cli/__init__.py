"""The command lines: ``strongroom`` for operators, ``cloudhsm-cli`` for users of a cluster."""
