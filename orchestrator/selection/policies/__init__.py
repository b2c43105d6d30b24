"""Policies, which choose one of many candidates. Each policy is a file and a line of `registry.POLICIES`."""
