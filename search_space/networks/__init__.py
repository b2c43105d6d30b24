"""Generators and discriminators, as supernets and as derived networks. `config` imports no torch."""
