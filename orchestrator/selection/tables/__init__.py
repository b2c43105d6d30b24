"""Learning curves as files."""
