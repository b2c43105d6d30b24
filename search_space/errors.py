"""The user's mistakes, as opposed to ours."""


class UserError(Exception):
    """A mistake of the user's: one line that names the value and the cure. The command line exits with 2."""


class GenotypeError(UserError):
    """A genotype, its space, or the file it should be read from, is wrong."""
