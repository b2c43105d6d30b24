"""How far a retraining recipe can tell genotypes apart: random ones, each trained with several seeds.

`stage` has them all trained; the figures are those of `orchestrator.yardstick`.
"""
