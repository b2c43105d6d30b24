"""Selection as a stage of a run: whom it compares besides how."""

from pydantic import NonNegativeInt, PositiveInt, field_validator

from orchestrator.config.selection import SelectionConfig
from search_space.zoo.published import PUBLISHED


class SelectStage(SelectionConfig):
    """Short trainings of candidates, with the recipe and the networks of `retrain`.

    `metric` is a value as the evaluation of retraining reports it (`fid`, `fd_digits`, ...); `score` stands
    for its first.
    """

    searches: tuple[str, ...] = ()
    """Runs of `root` that have searched, or genotype files; a pipeline's own search comes besides. None: the
    search of the run itself."""
    limit: PositiveInt = 8
    """Most candidates from one search: the distinct genotypes it derived last."""
    random: NonNegativeInt = 0
    """Genotypes drawn at random: what any search has to beat."""
    zoo: tuple[str, ...] = ()
    """Published genotypes beside them."""
    concurrent: PositiveInt | None = 1
    """Trainings at once: more than one run as tasks on Ray, null stands for as many as the cluster holds."""

    @field_validator("zoo")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for name, entry in PUBLISHED.items() if entry.genotype.network == "generator"]
        for name in names:
            if name not in known:
                raise ValueError(f"no published generator is called {name!r}; known: {', '.join(known)}")
        return names
