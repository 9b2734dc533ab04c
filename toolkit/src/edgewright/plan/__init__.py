"""A plan: the whole job as a TOML file that can be kept in git."""
