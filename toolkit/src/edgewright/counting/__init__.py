"""Instructions per inference on an emulated processor: a count for a gate, never a latency.

sweep    one process each round, its blocks of calls as a record
run      the rounds of all artifacts, on the targets that can count
results  records to counts per inference, computed when read
table    the same for people
"""
