"""Whom a configuration may name to be compared."""

import pytest
from pydantic import ValidationError

from orchestrator.config.selection import SelectStage


@pytest.mark.parametrize("name", ["adversarialnaz", "adversarialnas_discriminator"])
def test_only_published_generators_are_controls(name):
    with pytest.raises(ValidationError, match=f"no published generator is called '{name}'; known: .*eagan"):
        SelectStage(rungs=(1,), zoo=("eagan", name))
