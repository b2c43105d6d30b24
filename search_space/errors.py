"""Errors that the user can cure, as opposed to faults of the code."""

import unicodedata


class UserError(Exception):
    """A mistake of the user's: one line that names the value and the cure. The command line exits with 2."""


class GenotypeError(UserError):
    """A genotype, its space, or the file it should be read from, is wrong."""


def printable(text: str) -> str:
    """The text with control characters spelled out: names in files could else move a terminal's cursor."""
    return "".join(each if each in "\n\t" or each.isprintable() else _spelled(each) for each in text)


def _spelled(character: str) -> str:
    return character if unicodedata.category(character) == "Zs" else ascii(character)[1:-1]


LONGEST = 300


def one_line(error: BaseException) -> str:
    """The message of an error as part of a line, without the paragraphs that some libraries add; its
    type where it says nothing.
    """
    said: list[str] = []
    for line in str(error).split("\n"):
        if words := " ".join(line.split()):
            said.append(words)
            if not words.endswith(":"):  # else what is wrong comes in the next line
                break
    return printable(" ".join(said)[:LONGEST]) or type(error).__name__
