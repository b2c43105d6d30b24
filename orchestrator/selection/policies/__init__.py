"""How candidates become one. Each policy is a file and a line of `registry.POLICIES`."""
