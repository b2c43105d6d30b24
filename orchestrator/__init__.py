"""Layer 3: runs are configured, placed and recorded here.

Only this layer knows Ray, MLflow, Optuna and the command line.
"""
