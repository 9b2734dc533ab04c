"""The process on a target: JSON jobs in on stdin, NDJSON rows out on stdout (``protocol``).

python -m edgewright_runtimes.worker
"""
