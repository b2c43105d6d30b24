"""Layer 3: where, how many, recorded where. The one room for Ray, MLflow, Optuna and the command line."""
