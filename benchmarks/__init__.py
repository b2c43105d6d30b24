"""Paired measurements, one command each."""
