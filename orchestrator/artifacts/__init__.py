"""Finding genotypes, generators and images by name, and writing them as files."""
