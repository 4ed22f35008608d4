"""Trust anchors of mutual TLS as the program shows them."""

from __future__ import annotations

from strongroom.client import TrustAnchor

LEVEL_NONE, LEVEL_CLUSTER = "none", "cluster"


def shown(anchor: TrustAnchor) -> dict[str, str]:
    """One anchor (aws-cloudhsm 4.2). All HSMs of a cluster have the same ones."""
    return {
        "certificate-reference": f"{anchor.reference:#04x}",
        "certificate": anchor.certificate,
        "cluster-coverage": "full",
    }
