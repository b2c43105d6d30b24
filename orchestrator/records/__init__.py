"""MLflow's records of runs, made again from the folders of the runs."""
