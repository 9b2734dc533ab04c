"""Equalization: the ranges of channels made alike, the function in floats left as it is."""
