"""The version of all three distributions; written by ``scripts/version.py`` from ``VERSION``."""

__version__ = "0.1.0"
