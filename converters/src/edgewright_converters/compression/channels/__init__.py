"""The step ``prune-channels``: whole channels and units removed, and the graph rebuilt."""
