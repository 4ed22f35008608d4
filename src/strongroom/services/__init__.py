"""The AWS services that an installation offers: one HTTP application over the control plane's store.

A service writes desired state and reads what HSMs wrote; it holds no key and talks to no HSM.
"""
