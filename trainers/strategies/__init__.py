"""Search strategies: each is one file and one line in the registry."""
