"""The terminal: lines, progress bars, exit codes."""
