"""Errors of scoring."""

from search_space.errors import UserError


class ScoreError(UserError):
    """A score cannot be computed: wrong images, too few samples, features that are not numbers."""


class WeightsError(UserError):
    """An extractor's weights are missing, unreachable or not the expected ones."""


class StatisticsError(UserError):
    """Statistics of reference images are unreadable, or of another extractor or data set."""
