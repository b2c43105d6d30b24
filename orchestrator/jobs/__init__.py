"""One training as a value, and what a worker does with it."""
