"""The exit codes of commands."""

DONE, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130
"""FAILED: the run could not continue, or advnas has a bug. MISTAKE: the user can cure it."""
