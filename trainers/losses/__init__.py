"""The losses of the two players: each is one file and one line in the registry."""
