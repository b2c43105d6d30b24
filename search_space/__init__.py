"""Layer 1: the functions that can be trained.

Primitives, cells, networks, architecture parameters, genotypes.
"""
