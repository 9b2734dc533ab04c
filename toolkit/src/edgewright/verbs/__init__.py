"""One module per verb: the function behind ``edgewright VERB`` and ``edgewright.VERB``."""
