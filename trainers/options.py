"""Options that all trainings share, and registries as options. Imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, Union

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    field_validator,
    model_validator,
)

from search_space.backends import BackendName
from search_space.frozen import Frozen
from trainers.files import absolute

Folder = Annotated[Path, AfterValidator(absolute)]
"""A local folder; `~` is expanded and relative paths are made absolute while the configuration loads."""

File = Annotated[Path, AfterValidator(absolute)]
"""A local file, made absolute as a folder is."""


Initialisation = Literal["xavier", "released"]
"""Of new networks."""


class AdamConfig(Frozen):
    """Adam with L2 weight decay (not AdamW), as in the released code."""

    lr: PositiveFloat = 2e-4
    """Learning rate."""
    betas: tuple[float, float] = (0.0, 0.9)
    """Decays of the running means of the gradients and of their squares."""
    weight_decay: NonNegativeFloat = 0.0
    """Factor of the L2 penalty."""


class ComputeConfig(Frozen):
    """Speed settings; checkpoints, genotypes and names do not depend on them."""

    backend: BackendName = "auto"
    """How the edges of cells are computed, the same up to rounding; auto takes the fastest."""
    precision: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"
    """auto is tf32 on GPUs, which PyTorch gave the convolutions of the released code, and float32 on CPUs;
    bfloat16 is autocast with float32 master weights."""
    deterministic: bool = False
    """On GPUs, take algorithms that give the same bits every time, where there are any; slower."""
    compile: bool = False
    """torch.compile the networks, op by op: it cannot trace the autograd functions of the faster backends."""
    channels_last: bool = True
    """Memory format of the images that a discriminator sees, and so of its maps; cells keep their own."""

    @field_validator("backend", mode="before")
    @classmethod
    def _by_its_new_name(cls, value: Any) -> Any:
        """`reference` is what runs and presets made before called op_by_op."""
        return "op_by_op" if value == "reference" else value

    @model_validator(mode="after")
    def _compiles_op_by_op(self) -> Self:
        if self.compile and self.backend in ("direct", "frequency"):
            raise ValueError(f"compile: true goes with backend auto or op_by_op, not with {self.backend}")
        return self

    def precision_on(self, *, gpu: bool) -> str:
        """What `auto` stands for there; anything else stands for itself."""
        if self.precision != "auto":
            return self.precision
        return "tf32" if gpu else "float32"

    def for_second_derivatives(self) -> "ComputeConfig":
        """The same for a network that is differentiated twice, which backend frequency cannot."""
        return self.model_copy(update={"backend": "direct"}) if self.backend == "auto" else self


def one_of(registry: Mapping[str, type[Frozen]]) -> Any:
    """The type of an option that is a member of a registry, chosen by its field `name`.

    A name alone means that member with its defaults; options without a name are the first member's.
    """
    first = next(iter(registry))

    def named(value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        return {"name": first, **value} if isinstance(value, Mapping) else value

    members: Any = Union[tuple(registry.values())]  # noqa: UP007
    tagged = Annotated[members, Field(discriminator="name")] if len(registry) > 1 else members
    return Annotated[tagged, BeforeValidator(named)]
