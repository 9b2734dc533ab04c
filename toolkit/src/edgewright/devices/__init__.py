"""The boards that a person has named.

records   a device, and the registry of all of them
stored    the registry as a file
registry  the user's own: found by name, changed
"""
