"""A pipeline whose machine loses power in the last rung of its selection: it goes on to the same end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from orchestrator.config.experiment import to_yaml, with_overrides
from search_space.networks.generator_file import load_generator
from tests.orchestrator.tiny_jobs import tiny_job

RUNG, END = 10, 60
TOO_LONG = 900
"""Seconds for a command that takes 25 on an idle processor."""
OPTIONS = {
    "name": "killed",
    "search.strategy.alpha_optimizer.lr": 1.0,  # so that every step derives another genotype
    "select.rungs": [RUNG, END],
    "select.max_repeats": 1,
    "select.random": 2,
    "select.limit": 1,
    "retrain.steps": END,
    "retrain.report_every": 5,
    "retrain.evaluation.every": END,
    "retrain.evaluation.samples": 20,
}


def started(root):
    """The command in a process group of its own."""
    root.mkdir(exist_ok=True)
    file = root / "tiny.yaml"
    file.write_text(to_yaml(with_overrides(tiny_job(root).experiment, OPTIONS)))
    command = [sys.executable, "-m", "orchestrator", "pipeline", str(file), "--json"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


def finished(root):
    output, _ = (process := started(root)).communicate(timeout=TOO_LONG)
    assert process.returncode == 0
    return json.loads(output)


def steps_in(root):
    names = root.glob("killed/*/select/*/seed-*/checkpoints/step-*")
    return [int(folder.name.removeprefix("step-")) for folder in names]


def kill_in_the_last_rung(root):
    process = started(root)
    deadline = time.monotonic() + TOO_LONG
    while not any(RUNG < step < END for step in steps_in(root)):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.timeout(3 * TOO_LONG)
def test_killed_in_the_last_rung_it_makes_the_same_choice_and_registers_the_same_generator(tmp_path):
    whole = finished(tmp_path / "whole")
    kill_in_the_last_rung(tmp_path / "hurt")
    assert not list((tmp_path / "hurt").glob("killed/*/select/result.json"))
    resumed = finished(tmp_path / "hurt")
    for name in ("choice", "metrics", "generator_step", "generator_score", "seed", "pareto_front"):
        assert resumed["stages"]["select"][name] == whole["stages"]["select"][name], name
    assert resumed["metrics"] == whole["metrics"]
    assert resumed["model"] == whole["model"] == "models:/advnas-generator/1"
    (ours, genotype), (theirs, expected) = (load_generator(each["generator"]) for each in (resumed, whole))
    assert genotype.cells == expected.cells
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name
