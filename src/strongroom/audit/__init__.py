"""Audit logs of HSMs, for everybody who reads them: their text, their chain, where they are, and their proof."""
