"""Evolution over genotypes: candidates are bred, scored beside each other, and bred again.

`plan` says what decides a result, `fitness` how candidates are scored, `progress` does it and shows it,
`results` is what stays, `stage` has all of it done.
"""
