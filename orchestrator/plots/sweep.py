"""Optuna's figures of a sweep, as PNG."""

import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

if TYPE_CHECKING:
    from optuna import Study

logger = logging.getLogger(__name__)

SIZE = (10, 6)
"""Inches."""

FEWEST_FOR_IMPORTANCES = 10
"""The smallest number of complete trials: with fewer, a random forest explains noise, in convincing bars."""


def preload() -> None:
    """Import the libraries of figures. It takes seconds, best spent while the driver waits for trials."""
    from optuna import importance
    from optuna.visualization import matplotlib

    importance.FanovaImportanceEvaluator  # noqa: B018 - imports scikit-learn only now
    matplotlib.plot_optimization_history  # noqa: B018 - imports matplotlib only now


def figures(study: "Study") -> dict[str, bytes]:
    """PNG by name; those that the study has too few trials for are left out."""
    import matplotlib

    matplotlib.use("Agg")
    from optuna.visualization import matplotlib as plots

    chosen: dict[str, Callable[..., Any]]
    if len(study.directions) > 1:
        chosen = {"pareto_front": plots.plot_pareto_front}
    else:
        chosen = {
            "history": plots.plot_optimization_history,
            "parallel_coordinate": plots.plot_parallel_coordinate,
            "intermediate_values": plots.plot_intermediate_values,
        }
        if _whole(study) >= FEWEST_FOR_IMPORTANCES:
            chosen["importances"] = plots.plot_param_importances
    drawn = {name: _png(plot, study) for name, plot in chosen.items()}
    return {f"{name}.png": png for name, png in drawn.items() if png}


def _whole(study: "Study") -> int:
    from optuna.trial import TrialState

    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _png(plot: Callable[..., Any], study: "Study") -> bytes | None:
    import numpy
    from matplotlib import pyplot

    file = io.BytesIO()
    try:
        with catch_warnings():
            simplefilter("ignore")  # of plots that are experimental in Optuna, and of labels that overlap
            figure = numpy.ravel(plot(study))[0].figure
            figure.set_size_inches(*SIZE)
            figure.savefig(file, format="png", bbox_inches="tight", dpi=110)
    # Too few whole trials, or all of them equal: each plot has exceptions of its own for that.
    except (ValueError, RuntimeError, ImportError) as error:
        logger.info("%s: not drawn: %s", plot.__name__, error)
        return None
    pyplot.close("all")
    return file.getvalue()
