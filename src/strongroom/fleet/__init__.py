"""The fleet: processes, zones and addresses, supervision.

It starts, watches and stops HSM processes, and gives them addresses. It holds no login and no key: it can neither open
what an HSM keeps nor change a user, and that is all that a hostile fleet could do too.
"""
