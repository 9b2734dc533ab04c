"""Boards that a person can log in to: the system's OpenSSH client, and an agent on the other end.

destination  who to log in as, and where
client       how the system's ``ssh`` and ``sftp`` are called
master       the one open connection over which everything goes
child        one command of it: its output within bounds
batch        what ``sftp`` is told, with names that are data
trouble      what ssh said, as an error that says what to do
link         all of it in one place: run, stream, push
"""
