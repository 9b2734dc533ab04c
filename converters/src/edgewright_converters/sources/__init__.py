"""What can be read. One module per kind of source; each satisfies ``source.Source``."""
