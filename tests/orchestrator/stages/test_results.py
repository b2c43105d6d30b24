"""The JSON of results, as programs have read it since the first version."""

import json
from pathlib import Path

from orchestrator.pipeline import PipelineResult, StageResults
from orchestrator.stages.results import (
    Evaluated,
    GenotypeFile,
    Retrained,
    RunIdentity,
    Searched,
    Trained,
    document,
    write_result,
)
from orchestrator.sweep.command import BestTrial, Swept, TrialCounts
from search_space.zoo.published import PUBLISHED

GENOTYPE = PUBLISHED["eagan"].genotype
RUN = RunIdentity("mine", "abc", "sqlite:///m.db")
WHERE = {"name": "mine", "run_id": "abc", "tracking_uri": "sqlite:///m.db"}
TRAINED = Trained(
    step=3,
    metrics={"loss": 1.0},
    genotypes={"generator": GenotypeFile(GENOTYPE, Path("g.json"))},
    checkpoint=Path("c"),
    workers={0: 1},
)
SAMPLES = Path("samples.png")
RETRAINED = Retrained(RUN, TRAINED, SAMPLES, Path("generator.pt"), 2, {})
EVALUATED = Evaluated(RUN, "mine", "digits", "custom", {"fd": 1.0}, {"samples": "20"})


def test_a_search_is_printed_with_its_run_its_numbers_and_its_figures():
    found = document(
        Searched(RUN, TRAINED, SAMPLES, figures={"search": Path("search.png")}, trust=None, folder=Path("f"))
    )
    assert list(found) == [
        "name", "run_id", "tracking_uri", "step", "metrics", "genotypes", "checkpoint", "workers",
        "samples", "figures",
    ]  # fmt: skip
    assert found["genotypes"]["generator"] == {
        "rows": GENOTYPE.rows,
        "hash": GENOTYPE.content_hash,
        "file": Path("g.json"),
    }


def test_a_search_that_trains_no_network_has_no_samples():
    assert "samples" not in document(
        Searched(RUN, TRAINED, samples=None, figures={}, trust=None, folder=Path("f"))
    )


def test_a_retraining_without_a_score_says_so():
    found = document(RETRAINED)
    assert (found["generator_step"], found["generator_score"]) == (2, {})


def test_stages_that_were_left_out_are_not_printed():
    stages = StageResults(search=None, select=None, retrain=RETRAINED, evaluate=EVALUATED)
    result = PipelineResult(RUN, {}, Path("generator.pt"), Path("s.png"), Path("g.json"), None, stages)
    found = document(result)
    assert list(found["stages"]) == ["retrain", "evaluate"]
    assert "model" not in found


def test_a_sweep_is_printed_with_its_best_trial():
    best = BestTrial(4, {"fd": 1.0}, {"seed": 1}, Path("f"))
    swept = Swept("mine", TrialCounts(3, 1, 0, None), None, best, "abc", "sqlite:///m.db", Path("t.parquet"))
    counts = {"complete": 3, "stopped": 1, "failed": 0}
    described = {"trial": 4, "values": {"fd": 1.0}, "params": {"seed": 1}, "folder": Path("f")}
    assert document(swept) == {**WHERE, **counts, "best": described, "parquet": Path("t.parquet")}


def test_a_stored_result_is_strict_json(tmp_path):
    unknown = Evaluated(RUN, "mine", "digits", "custom", {"fd": float("nan")}, {})
    write_result(tmp_path / "evaluate", unknown)
    text = (tmp_path / "evaluate" / "result.json").read_text()
    kept = {"of": "mine", "against": "digits", "protocol": "custom", "metrics": {"fd": None}}
    assert json.loads(text) == {**WHERE, **kept, "fingerprint": {}}
