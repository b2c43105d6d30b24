"""Layer 3: where, how many, recorded where. The only place that knows Ray, MLflow, Optuna and the command line."""
