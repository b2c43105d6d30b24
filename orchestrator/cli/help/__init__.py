"""What the command line says of itself: options with their comments, and tab completion."""
