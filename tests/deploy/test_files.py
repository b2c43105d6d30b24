"""The files for clusters agree with the schemas of their readers, with pyproject.toml and with each other."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import yaml
from ray.runtime_env import RuntimeEnv

from orchestrator.cli.submitted_command import entrypoint
from tests.deploy.rayjob_schema import RAY_JOB

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "deploy"
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
IMAGE = f"advnas:{PYPROJECT['project']['version']}"


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text())


@pytest.fixture
def cluster() -> Any:
    return read("ray-cluster.yaml")


@pytest.fixture
def job() -> Any:
    return read("rayjob.yaml")


def test_ray_takes_the_cluster_file(cluster):
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    jsonschema.validate(cluster, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(cluster | {"max_worker": 2}, schema)  # the schema would tell


def test_rays_launcher_fills_in_the_rest(cluster):
    from ray.autoscaler._private.util import prepare_config, validate_config

    complete = prepare_config(cluster)
    validate_config(complete)
    assert complete["available_node_types"]["local.cluster.node"]["max_workers"] == len(
        cluster["provider"]["worker_ips"]
    )


def test_the_cluster_takes_jobs_from_its_own_machine_and_with_a_token_only(cluster):
    [head] = [command for command in cluster["head_start_ray_commands"] if "ray start" in command]
    [worker] = [command for command in cluster["worker_start_ray_commands"] if "ray start" in command]
    assert "--dashboard-host=127.0.0.1" in shlex.split(head)
    for command in (head, worker):
        assert command.startswith("umask 077; RAY_AUTH_MODE=token ray start ")
    assert "~/.ray/auth_token" in cluster["file_mounts"]


def test_kuberay_takes_the_manifest(job):
    jsonschema.validate(job, RAY_JOB)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job | {"spec": job["spec"] | {"entrypiont": ""}}, RAY_JOB)
    assert RuntimeEnv(**yaml.safe_load(job["spec"]["runtimeEnvYAML"])).env_vars()


def test_the_manifests_command_is_one_that_could_be_submitted(job):
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:3] == ["python", "-m", "orchestrator"]
    checked = entrypoint(words[3:], PROJECT)
    assert shlex.split(checked.command) == words
    [group] = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    gpus = int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"])
    assert checked.num_workers == group["replicas"] * gpus


def test_all_machines_see_the_folders_that_the_command_names(job):
    named = {word for word in shlex.split(job["spec"]["entrypoint"]) if word.startswith("/")}
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        [container] = group["template"]["spec"]["containers"]
        mounts = [Path(mount["mountPath"]) for mount in container["volumeMounts"]]
        assert all(any(Path(path).is_relative_to(mount) for mount in mounts) for path in named)


def test_versions_and_images_are_those_of_the_project(job, cluster):
    pins = dict(pin.split("==") for pin in PYPROJECT["tool"]["uv"]["constraint-dependencies"])
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == pins["ray"]
    images = set(re.findall(r"image: (\S+)", (FOLDER / "rayjob.yaml").read_text()))
    assert images | {cluster["docker"]["image"]} == {IMAGE}
    assert f"-t {IMAGE} " in DOCKERFILE


def test_the_container_has_a_python_that_the_project_takes():
    [version] = re.findall(r"^FROM python:(\d+\.\d+)-slim$", DOCKERFILE, re.MULTILINE)
    least = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, least.split(".")))


def test_the_container_has_all_that_is_installed_and_root_runs_nothing():
    copied = {
        source
        for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert all((PROJECT / source).exists() for source in copied)
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    project = PYPROJECT["project"]
    named = {"pyproject.toml", "constraints.txt", project["readme"], *project["license-files"]}
    assert copied == {*wheel, *named}
    assert "--constraints constraints.txt '.[server]'" in DOCKERFILE
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == ["ray"]
