"""Measure artifacts on a target in shuffled rounds, and read what was measured.

plan     which artifacts in which runtimes, their baselines, the order of the rounds
rounds   one round in a fresh process, from rows to a record
sweep    all rounds of a plan; what fails costs its own row
results  records to statistics, comparisons and verdicts, computed when read
table    the same for people
"""
