"""CloudWatch Logs: the audit logs of HSMs as AWS shows them, and groups that users write themselves (ADR 0073).

What an HSM told is read from its audit log; nothing is copied, and nothing here can change it.
"""
