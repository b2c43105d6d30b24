"""Trained generators in MLflow's model registry, each with what it is and how good."""
