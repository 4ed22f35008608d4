"""Sends HSM audit entries, checkpoints and trail events elsewhere: at least once, in order, and holding up nothing.

A forwarder reads logs that are on disk already and remembers in the logs store how far it came; a receiver that is slow
or away makes it late and nothing else.
"""
