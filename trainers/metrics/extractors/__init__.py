"""Networks that turn images into the features that scores are made of."""
