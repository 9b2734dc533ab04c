"""One self-contained page of evidence: what may ship, how fast it is, and how that is known."""
