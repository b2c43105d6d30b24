"""Layer 2: in which order and with which gradient. Search, retraining, data, scores; knows no Ray."""
