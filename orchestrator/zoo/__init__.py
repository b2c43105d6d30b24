"""The published generators, trained under one recipe and compared.

`choice` says which of them fit a configuration, `stage` has them trained.
"""
