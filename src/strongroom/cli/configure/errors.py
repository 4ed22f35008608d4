"""What a configure program cannot do."""


class ConfigureError(Exception):
    """``str(error)`` says what is wrong and what to do; nothing was written."""
