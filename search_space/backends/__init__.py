"""Forms of evaluation: how the edges of a cell are computed. Parameters and results do not depend on it."""

from collections.abc import Callable, Mapping
from typing import Literal

from search_space.backends.auto import AutoForm
from search_space.backends.backend import Flow, Form, Operations
from search_space.backends.direct import DirectForm
from search_space.backends.frequency import FrequencyForm
from search_space.backends.op_by_op import ReferenceForm

__all__ = ["FORMS", "Flow", "Form", "FormName"]

FormName = Literal["reference", "direct", "frequency", "auto"]

FORMS: Mapping[FormName, Callable[[Operations], Form]] = {
    "reference": ReferenceForm,
    "direct": DirectForm,
    "frequency": FrequencyForm,
    "auto": AutoForm,
}
