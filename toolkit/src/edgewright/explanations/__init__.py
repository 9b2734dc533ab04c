"""Why an artifact is not faster: a profile of it, and rules that read evidence from it."""
