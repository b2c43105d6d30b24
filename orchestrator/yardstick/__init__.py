"""Figures of how far a retraining recipe tells genotypes apart, for everything that compares scores.

`statistics` computes from arrays of scores, `measured` gathers what follows, `known` finds it by the recipe.
"""
