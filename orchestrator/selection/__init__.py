"""From many candidates to one: successive halving over learning curves, live or recorded.

`policy.select` asks a `CurveSource` for scores and never trains; `replay.replay` runs the same policy on a
table of recorded curves.
"""
