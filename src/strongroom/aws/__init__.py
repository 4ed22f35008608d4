"""The AWS face without any service behind it: signatures, codecs, validation, paging, errors and the HTTP front.

Everything is driven by botocore's service models. This room knows no HSM and no cluster.
"""
