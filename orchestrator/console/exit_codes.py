"""The exit codes of commands."""

DONE, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130
"""FAILED is a run that could not go on, or a bug of ours; MISTAKE is the user's."""
