"""The brain of one HSM process: everything that decides. Keys are in the boundary; frames are in the engine.

A managed request comes from the engine, a worker checks it and lets the boundary make what it asks for, the committer
writes it with its audit entry in one transaction, and only then it is published and answered.
"""
