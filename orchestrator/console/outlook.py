"""The time that later work of a command takes, from measured steps, trainings and scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.console.progress import Progress


@dataclass(frozen=True)
class Work:
    """Work that follows later in a command."""

    kind: str
    """The kind, search or retrain: steps of one kind take equally long."""
    steps: int = 0
    trainings: int = 0
    """Number of trainings: each has a start and an end besides its steps."""
    images: int = 0
    """Images that are generated and scored."""


@dataclass
class Outlook:
    """Measured seconds of a command's parts."""

    steps: dict[str, float] = field(default_factory=dict)
    """Seconds of one step, by kind."""
    image: float | None = None
    """Seconds of one image that is generated and scored; None if unknown."""
    training: float = 0.0
    """Seconds of a training besides its steps and scores."""

    def seconds(self, works: Sequence[Work], pace: float) -> float:
        """The time for all of the work; `pace` stands for steps of a kind that was not measured."""
        return sum(
            work.steps * self.steps.get(work.kind, pace)
            + work.trainings * self.training
            + work.images * (self.image or 0.0)
            for work in works
        )

    def learn(self, kind: str, done: Progress) -> None:
        """Take over the measurements of a finished stage; one without steps has measured nothing."""
        if done.pace is None:
            return
        self.steps[kind] = done.pace
        self.image = done.image_seconds or self.image
        scoring = done.images * (self.image or 0.0)
        self.training = done.seconds - done.stepping - scoring
