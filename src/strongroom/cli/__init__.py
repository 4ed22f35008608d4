"""The command lines: ``strongroom`` for operators, ``cloudhsm-cli`` and ``configure-*`` for users of a cluster."""
