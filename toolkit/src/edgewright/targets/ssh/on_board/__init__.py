"""Scripts that run on a board: sent to its interpreter's standard input, never installed there.

Standard library alone and Python 3.6, for a board must be able to say that its Python is too old.
Each prints one line: ``MARK``, then JSON.
"""
