"""How genotypes are found: one file a strategy, and its line in the registry."""
