"""What goes wrong with data, said to the user."""

from search_space.errors import UserError


class DataError(UserError):
    """Data that is absent, damaged or does not fit the configuration."""


def one_line(error: Exception) -> str:
    """What an error says, as part of a user's one line; its type where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__
