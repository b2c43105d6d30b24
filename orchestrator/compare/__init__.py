"""Runs, experiments, sweeps and published architectures side by side, and whether their differences are real.

`sources` finds who is meant, `groups` keeps apart what cannot be compared; `terminal`, `page` and `data`
show it.
"""
