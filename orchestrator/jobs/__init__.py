"""Jobs: one training as a value, and the worker that runs it."""
