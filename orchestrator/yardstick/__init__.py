"""How far a retraining recipe tells genotypes apart, in figures; whoever compares scores can look them up.

`statistics` computes from arrays of scores, `measured` gathers what follows, `known` finds it by the recipe.
"""
