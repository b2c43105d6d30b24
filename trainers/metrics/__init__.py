"""Scores of images: feature extractors, FID, IS, KID, precision and recall, and what they compare with."""
