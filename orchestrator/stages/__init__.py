"""The stages of a pipeline, each recorded in MLflow and resumed by name."""
