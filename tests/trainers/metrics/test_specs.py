"""What scores are called says who saw the images."""

import pytest

from trainers.metrics.config import EvaluationConfig
from trainers.metrics.specs import METRIC_SPECS, score_names


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (
            {"metrics": ["fid", "is", "kid"]},
            {"fid": "fid", "is_mean": "is", "is_std": "is", "kid": "kid", "kid_std": "kid"},
        ),
        ({"metrics": ["fd", "kd"]}, {"fid": "fd", "kid": "kd", "kid_std": "kd"}),
        ({"metrics": ["fd"], "weights_sha256": "0123456789ab"}, {"fd_inception_01234567": "fd"}),
        (
            {"metrics": ["is", "fd"], "extractor": "digits"},
            {"is_digits_mean": "is", "is_digits_std": "is", "fd_digits": "fd"},
        ),
        ({"metrics": ["kd"], "extractor": "dinov2"}, {"kd_dinov2": "kd", "kd_dinov2_std": "kd"}),
    ],
)
def test_a_plain_name_is_the_published_inceptions_alone(options: dict, names: dict) -> None:
    assert score_names(EvaluationConfig(**options)) == names


def test_precision_and_recall_never_have_a_plain_name() -> None:
    """As published they are VGG16's."""
    assert METRIC_SPECS["precision_recall"].names("inception") == ("precision_inception", "recall_inception")
