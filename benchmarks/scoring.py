"""Scoring beside torch-fidelity's own: seconds of processor for the same images, alternating, one thread.

    python -m benchmarks.scoring                              # ten minutes; target: a ratio of at most 1
    python -m benchmarks.scoring --images 100 --rounds 1      # a look
    python -m benchmarks.scoring --out scoring                # also writes scoring.md and scoring.json

`features`: Inception's features and logits of a batch in memory. `evaluation`: FID, IS and KID of two folders
of PNGs by the two command lines, `advnas evaluate` and `fidelity`, each from its start to its end, with no
image seen before. Weights are random and the same for both; the scores have to agree too. A first pass of
each side is not counted: it compiles Python's modules and makes MLflow's database.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image

from benchmarks.machine import machine
from tests.trainers.metrics.stand_ins import blurs, random_inception
from trainers.metrics.config import EvaluationConfig
from trainers.metrics.extractors.inception import inception

SIZE = 32
SUBSET = 50
"""Of the kernel distance, as there are few images; in both."""
BATCH = 64
"""torch-fidelity's default and ours."""
SAME = {
    "fd": "frechet_inception_distance",
    "is": "inception_score_mean",
    "kd": "kernel_inception_distance_mean",
}
"""Our score -> what torch-fidelity calls it."""

Side = Callable[[], Mapping[str, float]]
"""Does the work once; returns scores, if it makes some."""


def feature_sides(weights: Path) -> dict[str, Side]:
    """One batch of images through both extractors."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    pixels = blurs(BATCH, detail=4, size=SIZE).pixels
    layers = ["2048", "logits_unbiased"]
    theirs = FeatureExtractorInceptionV3("inception-v3-compat", layers, str(weights)).eval()
    ours = inception(_configuration(weights), Path())
    ours.network.to(memory_format=torch.channels_last)  # as `make_extractor` does without a GPU

    def run(network: Callable[[torch.Tensor], object]) -> Mapping[str, float]:
        with torch.no_grad():
            network(pixels)
        return {}

    return {"torch-fidelity": lambda: run(theirs), "advnas": lambda: run(ours)}


def evaluation_sides(weights: Path, images: int, folder: Path) -> dict[str, Side]:
    """Two folders of images through both command lines."""
    folders = [str(folder / name) for name in ("generated", "real")]
    for number, path in enumerate(folders):
        _write_pngs(Path(path), images, seed=number, detail=(3, 6)[number])
    return {
        "torch-fidelity": lambda: _fidelity(folders, weights),
        "advnas": lambda: _advnas(folders, weights, folder / "runs"),
    }


def _fidelity(folders: Sequence[str], weights: Path) -> Mapping[str, float]:
    words = ["--isc", "--fid", "--kid", "--cpu", "--json", "--no-cache", "--save-cpu-ram", "--silent"]
    words += ["--input1", folders[0], "--input2", folders[1], "--batch-size", str(BATCH)]
    words += ["--kid-subset-size", str(SUBSET), "--feature-extractor-weights-path", str(weights)]
    found = _output("fidelity", *words)
    return {name: found[theirs] for name, theirs in SAME.items()}


def _advnas(folders: Sequence[str], weights: Path, root: Path) -> Mapping[str, float]:
    evaluation = {
        "metrics": "[fd, is, kd]",
        "weights": weights,
        "weights_sha256": _checksum(weights),
        "kd_subset_size": SUBSET,
        "batch_size": BATCH,
    }
    words = ["evaluate", "cifar10", "--of", folders[0], "--against", folders[1], "--json"]
    words += ["--root", str(root)]
    for name, value in evaluation.items():
        words += [f"--retrain.evaluation.{name}", str(value)]
    shutil.rmtree(root / "cache", ignore_errors=True)
    found = _output("advnas", *words)["metrics"]
    name = _configuration(weights).extractor_name
    return {
        "fd": found[f"fd_{name}"],
        "is": found[f"is_{name}_mean"],
        "kd": found[f"kd_{name}"],
    }


def _output(program: str, *words: str) -> Any:
    """The JSON object that a command of this environment prints last."""
    command = [str(Path(sys.executable).with_name(program)), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout[done.stdout.index("{") :])


def measured(sides: Mapping[str, Side], rounds: int) -> dict[str, Any]:
    """Seconds of processor and of the clock of each side in each round, and the ratio of each pair."""
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    wall: dict[str, list[float]] = {name: [] for name in sides}
    scores: dict[str, Mapping[str, float]] = {}
    for number in range(rounds):
        for name, side in sides.items():
            processor, clock = _processor_seconds(), time.perf_counter()
            scores[name] = side()
            seconds[name].append(_processor_seconds() - processor)
            wall[name].append(time.perf_counter() - clock)
            print(f"round {number} {name}: {seconds[name][-1]:.2f} s", file=sys.stderr, flush=True)
    ratios = [b / a for a, b in zip(seconds["torch-fidelity"], seconds["advnas"], strict=True)]
    return {"processor_s": seconds, "wall_s": wall, "ratios": ratios, "scores": scores}


def _processor_seconds() -> float:
    """Of this process and of those it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _configuration(weights: Path) -> EvaluationConfig:
    return EvaluationConfig(weights=weights, weights_sha256=_checksum(weights), metrics=("fd",))


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _write_pngs(folder: Path, count: int, seed: int, detail: int) -> None:
    folder.mkdir()
    for number, pixels in enumerate(blurs(count, detail, SIZE, seed=seed).pixels.permute(0, 2, 3, 1)):
        Image.fromarray(pixels.numpy()).save(folder / f"{number:06d}.png")


def markdown(report: Mapping[str, Any]) -> str:
    """The report as a table."""
    lines = [
        f"{report['machine']}, torch-fidelity {report['torch_fidelity']}; medians of {report['rounds']} "
        "alternating rounds.",
        "",
        "| seconds of processor | torch-fidelity | advnas | advnas / torch-fidelity (all rounds) |",
        "|---|---|---|---|",
    ]
    for part, images in (("features", BATCH), ("evaluation", 2 * report["images"])):
        found = report[part]
        theirs, ours = (median(found["processor_s"][name]) for name in ("torch-fidelity", "advnas"))
        ratios = found["ratios"]
        shown = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        lines.append(f"| {part} of {images} images | {theirs:.2f} | {ours:.2f} | {shown} |")
    theirs, ours = (report["evaluation"]["scores"][name] for name in ("torch-fidelity", "advnas"))
    apart = max(abs(ours[name] / theirs[name] - 1) for name in SAME)
    lines += ["", f"FID, IS and KID of the two command lines agree within {apart:.0e} of their value."]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write where told to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=200, help="in each folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", metavar="STEM", help="write STEM.md and STEM.json")
    options = parser.parse_args()
    import torch_fidelity

    torch.set_num_threads(1)
    report: dict[str, Any] = {
        "machine": machine(),
        "torch_fidelity": torch_fidelity.__version__,
        "images": options.images,
        "rounds": options.rounds,
    }
    with TemporaryDirectory() as folder:
        weights = Path(folder, "inception.pth")
        random_inception(weights)
        report["features"] = measured(feature_sides(weights), options.rounds)
        evaluations = evaluation_sides(weights, options.images, Path(folder))
        report["evaluation"] = measured(evaluations, options.rounds)
    print(markdown(report))
    if options.out:
        Path(f"{options.out}.md").write_text(markdown(report) + "\n")
        Path(f"{options.out}.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
