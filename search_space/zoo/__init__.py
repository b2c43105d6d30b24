"""Published genotypes and results, and the released code's files."""
