"""Where HSMs listen (aws-cloudhsm 1.6)."""

from __future__ import annotations

from typing import Final

HSM_PORT: Final = 2223
