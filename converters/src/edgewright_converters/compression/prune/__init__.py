"""The step ``prune``: weights that are small become zero, while the others learn to do without."""
