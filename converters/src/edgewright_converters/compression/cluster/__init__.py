"""The step ``cluster``: every kernel with a handful of values, trained to do with them."""
