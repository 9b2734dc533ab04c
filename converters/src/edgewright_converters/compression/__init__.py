"""Compression: a recipe is a tuple of steps, each a module that takes a model and gives one."""
