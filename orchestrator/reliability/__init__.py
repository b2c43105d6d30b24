"""How far a retraining recipe can tell genotypes apart: random ones, each trained with several seeds.

`statistics` computes from an array of scores, `measured` gathers what follows, `stage` has it all trained.
"""
