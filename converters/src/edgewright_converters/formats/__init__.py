"""What can be written: one module per format; each satisfies ``format.FormatModule``."""
