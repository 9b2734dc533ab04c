"""Driving compression: recipes from files, data to learn from, the process that trains."""
