"""Images as uint8 tensors, and batches of them by step number."""

from trainers.datasets.batches import Batches
from trainers.datasets.images import DataError, Images
from trainers.datasets.registry import DATASETS, DataConfig, load_images

__all__ = ["DATASETS", "Batches", "DataConfig", "DataError", "Images", "load_images"]
