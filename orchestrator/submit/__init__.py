"""`advnas submit`: the same commands, done on a Ray cluster by its job server."""
