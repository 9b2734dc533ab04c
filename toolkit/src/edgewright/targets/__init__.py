"""Where artifacts run: one module per kind of target, each keeping ``target.Target``."""
