"""`advnas submit`: runs commands on a Ray cluster through its job server."""
