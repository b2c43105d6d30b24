"""What is said to MLflow: kept as files, sent by a thread, and recorded beside the run."""
