"""Evolution over genotypes: it asks for scores and is told them. Imports no torch.

`evolution` is one run of it, `breeding` makes candidates, `algorithms` chooses parents and who leaves,
`pareto` compares by two objectives.
"""
