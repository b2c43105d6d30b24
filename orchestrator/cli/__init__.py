"""The command line: its parsers, what each command does, and how results are printed."""
