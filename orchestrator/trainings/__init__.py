"""Genotypes, each trained to the end of one recipe with the same seeds: what `reliability` and `zoo` share.

`grid` says which trainings there are, `train` has them done, `runs` keeps what they scored.
"""
