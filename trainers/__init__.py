"""Layer 2: training and scoring. Search, retraining, losses, data and scores, without Ray."""
