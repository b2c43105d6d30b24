"""Figures: genotypes, the course of a search, grids of images, sweeps."""
