"""What the two players descend: one file a loss, and its line in the registry."""
