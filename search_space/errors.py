"""The user's mistakes, as opposed to ours."""


class UserError(Exception):
    """A mistake of the user's: one line that names the value and the cure. The command line exits with 2."""


class GenotypeError(UserError):
    """A genotype, its space, or the file it should be read from, is wrong."""


LONGEST = 300


def one_line(error: BaseException) -> str:
    """What an error says, as part of a line for the user, without the paragraphs that some libraries add; its
    type where it says nothing.
    """
    said: list[str] = []
    for line in str(error).split("\n"):
        if words := " ".join(line.split()):
            said.append(words)
            if not words.endswith(":"):  # else what is wrong comes in the next line
                break
    return " ".join(said)[:LONGEST] or type(error).__name__
