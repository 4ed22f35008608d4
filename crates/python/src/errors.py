"""The exceptions of ``strongroom._native``: under the stable ABI of Python 3.11 no native class extends Exception."""


class HsmError(Exception):
    """A refusal. ``args == (rv, text)``: the PKCS #11 return code and a sentence for people."""

    @property
    def rv(self) -> int:
        return self.args[0]

    @property
    def text(self) -> str:
        return self.args[1]

    def __str__(self) -> str:
        return self.text


class IntegrityError(HsmError):
    """A record, envelope, head or anchor was altered or belongs elsewhere; ``text`` names it."""


class ConnectionFailed(HsmError):
    """Client side: no HSM answered, or none passed the server check."""
