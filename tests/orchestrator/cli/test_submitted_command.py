import pytest

from orchestrator.cli.submitted_command import entrypoint
from orchestrator.config.files import FOLDER
from orchestrator.submit.client import SubmitError
from search_space.errors import UserError

ROOT = ["--root", "/shared/runs"]


def command(*words, folder=FOLDER.parent):
    return entrypoint(words, folder).command


def test_a_job_joins_the_cluster_it_is_submitted_to():
    assert command("search", "digits", *ROOT) == (
        "python -m orchestrator search digits --root /shared/runs --cluster.address auto"
    )


@pytest.mark.parametrize("address", ["local", "auto", "10.0.0.1:6379"])
def test_what_the_user_says_about_the_cluster_stays(address):
    words = ["search", "digits", *ROOT, "--cluster.address", address]
    assert command(*words) == f"python -m orchestrator {' '.join(words)}"


def test_a_file_may_say_it_too(tmp_path):
    text = (FOLDER / "digits.yaml").read_text().replace("address: local", "address: 10.0.0.1:6379")
    (tmp_path / "run.yaml").write_text(text)
    assert command("search", "run.yaml", *ROOT, folder=tmp_path).endswith(
        "search run.yaml --root /shared/runs"
    )


def test_words_reach_the_command_as_they_are():
    job = entrypoint(["select", "digits", *ROOT, "--select.rungs", "[1, 2]", "--name", "a"], FOLDER.parent)
    assert "--select.rungs '[1, 2]' --name a" in job.command
    assert job.words == "select digits --root /shared/runs --select.rungs '[1, 2]' --name a"


def test_options_go_by_their_former_names_too():
    assert command("search", "digits_adversarial", *ROOT, "--search.tau_start", "3").endswith(
        "search digits_adversarial --root /shared/runs --search.tau_start 3 --cluster.address auto"
    )


def test_a_sweep_is_a_job_too():
    job = entrypoint(["sweep", "sweep_digits", *ROOT, "--cluster.num_workers", "2"], FOLDER.parent)
    assert (job.num_workers, job.command[-22:]) == (2, "--cluster.address auto")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "needs a command after --"),
        (["genotype", "list"], "genotype list: only commands that take CONFIG are jobs"),
        (["ui"], "ui: only commands that take CONFIG"),
        (["submit", "list", "--address", "x"], "only commands that take CONFIG"),
        (["select", "--replay", "x.csv"], "only commands that take CONFIG"),
        (["serch", "digits"], "did you mean search"),
        (["search", "digits"], 'root = "runs": a job works in a copy .* give --root an absolute path'),
        (["sweep", "sweep_digits"], 'root = "runs": a job works in a copy'),
        (["search", "cifar10", *ROOT], 'data.root = "data": a job works in a copy'),
        (
            ["search", "cifar10", *ROOT, "--data.name", "parquet", "--data.path", "x"],
            'data.path = "x": a job',
        ),
        (["search", "digits", *ROOT, "--search.stepz", "1"], "did you mean search.steps"),
        (["search", "/somewhere/run.yaml", *ROOT], "only what is in --working-dir is sent"),
        (["search", "nowhere.yaml", *ROOT], "No such file"),
    ],
)
def test_mistakes_show_before_anything_is_sent(words, message):
    with pytest.raises(UserError, match=message):
        command(*words)


def test_data_in_a_store_need_no_folder():
    words = ["search", "cifar10", *ROOT, "--data.name", "parquet", "--data.path", "s3://bucket/images"]
    assert "s3://bucket/images" in command(*words)


def test_the_folder_of_files_is_the_one_that_is_sent(tmp_path):
    (tmp_path / "run.yaml").write_text((FOLDER / "digits.yaml").read_text())
    assert "search run.yaml" in command("search", "run.yaml", *ROOT, folder=tmp_path)
    with pytest.raises(SubmitError, match="root"):
        command("search", "run.yaml", folder=tmp_path)
