"""The search spaces by name: a space is one file of this package and one line of `registry`."""
