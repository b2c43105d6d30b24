"""From a name to a genotype, a generator or images, and what is written of them."""
