"""Did an artifact become slower than it was in an earlier bundle?

comparing  two bundles, row by row: a ratio with its interval, held against what is allowed
shown      the same for people, and as JSON
"""
