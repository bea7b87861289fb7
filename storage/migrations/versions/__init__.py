"""The changes themselves, numbered, written by `python -m storage.engine.versions revision "why"` and then read by a person.

There is no way down: what a change took away cannot be given back by a script. Go back by restoring a backup.
"""
