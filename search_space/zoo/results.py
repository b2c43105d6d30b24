"""Published results, for comparison. A score that could not be confirmed is None."""

from dataclasses import dataclass
from typing import Literal

Dataset = Literal["cifar10", "stl10"]
"""32x32 and 48x48."""

CIFAR10_TRAIN = (
    "50,000 samples, FID to the 50,000 training images, TensorFlow Inception 2015-12-05, IS 10 splits"
)
STL10_TRAIN = CIFAR10_TRAIN.replace("50,000 training", "105,000 train and unlabeled")
UNVERIFIED = "not confirmed: do not rank"


@dataclass(frozen=True)
class PublishedResult:
    """Scores a paper reports for one data set; two with different protocols must not be ranked together."""

    method: str
    year: int
    dataset: Dataset
    fid: float
    inception_score: float | None
    inception_score_std: float | None
    """The deviation over the splits of one evaluation, not over training runs."""
    protocol: str
    source: str
    note: str = ""


AUTOGAN = "arXiv 1908.03835 (ICCV 2019)"
DEGAS = "arXiv 1912.00606"
ADVERSARIALNAS = "arXiv 1912.02037 (CVPR 2020)"
E2GAN = "arXiv 2007.09180 (ECCV 2020)"
ALPHAGAN = "arXiv 2006.09134"
STYLEGAN2_ADA = "arXiv 2006.06676 (NeurIPS 2020)"
TRANSGAN = "arXiv 2102.07074 (NeurIPS 2021)"
EAGAN = "arXiv 2111.15097 (ECCV 2022)"
MMD_ADVERSARIALNAS = "doi 10.1109/ICASSP48485.2024.10446488 (ICASSP 2024)"
EWSGAN = "IEEE Transactions on Evolutionary Computation 28(3), 2024"
CAGAN = "Knowledge-Based Systems, 2024"

MMD_RECIPE = "trained with its own MMD recipe, so not the architecture alone"
LABELS = "class-conditional: it is given the labels"
AUGMENTED = "trained with differentiable augmentation"

RESULTS: tuple[PublishedResult, ...] = (
    PublishedResult("AutoGAN", 2019, "cifar10", 12.42, 8.55, None, CIFAR10_TRAIN, AUTOGAN),
    PublishedResult("AutoGAN", 2019, "stl10", 31.01, 9.16, None, UNVERIFIED, AUTOGAN),
    PublishedResult("DEGAS", 2019, "cifar10", 12.01, 8.37, None, UNVERIFIED, DEGAS),
    PublishedResult("DEGAS", 2019, "stl10", 28.76, 9.71, None, UNVERIFIED, DEGAS),
    PublishedResult("AdversarialNAS", 2020, "cifar10", 10.87, 8.74, 0.07, CIFAR10_TRAIN, ADVERSARIALNAS),
    PublishedResult("AdversarialNAS", 2020, "stl10", 26.98, 9.63, 0.19, STL10_TRAIN, ADVERSARIALNAS),
    PublishedResult("E2GAN", 2020, "cifar10", 11.26, 8.51, None, UNVERIFIED, E2GAN),
    PublishedResult("E2GAN", 2020, "stl10", 25.35, 9.51, None, UNVERIFIED, E2GAN),
    PublishedResult("StyleGAN2-ADA", 2020, "cifar10", 2.42, None, None, UNVERIFIED, STYLEGAN2_ADA, LABELS),
    PublishedResult("TransGAN", 2021, "cifar10", 9.26, 9.02, None, UNVERIFIED, TRANSGAN, AUGMENTED),
    PublishedResult("TransGAN", 2021, "stl10", 18.28, 10.43, None, UNVERIFIED, TRANSGAN, AUGMENTED),
    PublishedResult("EAGAN", 2022, "cifar10", 9.91, 8.81, 0.10, CIFAR10_TRAIN, EAGAN),
    PublishedResult("EAGAN", 2022, "stl10", 22.18, 10.44, 0.087, STL10_TRAIN, EAGAN),
    PublishedResult(
        "MMD-AdversarialNAS", 2024, "cifar10", 5.83, None, None, CIFAR10_TRAIN, MMD_ADVERSARIALNAS, MMD_RECIPE
    ),
    PublishedResult("EWSGAN", 2024, "cifar10", 9.09, 8.99, None, UNVERIFIED, EWSGAN),
    PublishedResult("EWSGAN", 2024, "stl10", 21.89, 10.51, None, UNVERIFIED, EWSGAN),
    PublishedResult("CAGAN", 2024, "cifar10", 9.45, 8.96, 0.06, UNVERIFIED, CAGAN),
    PublishedResult("CAGAN", 2024, "stl10", 19.34, 10.39, 0.13, UNVERIFIED, CAGAN),
)


def results_of(method: str, dataset: Dataset) -> PublishedResult:
    """The published scores of one method on one data set."""
    (result,) = [row for row in RESULTS if (row.method, row.dataset) == (method, dataset)]
    return result
