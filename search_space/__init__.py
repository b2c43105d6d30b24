"""Layer 1: which functions exist. Primitives, cells, networks, architecture parameters, genotypes."""
