"""CloudTrail (API version 2013-11-01): the record of every call to every service here, and the API that finds it.

``recorder`` is told of calls by the gateway and writes the log ``trail``; the operations read it.
"""
