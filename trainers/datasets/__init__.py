"""Images as uint8 tensors, and batches of them by step number."""
