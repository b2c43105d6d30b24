"""The MLflow server of a cluster agrees with itself, with MLflow, and with the job that uses it."""

import shlex
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow.cli
import pytest
import yaml
from packaging.requirements import Requirement
from sqlalchemy.engine import make_url

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "deploy"
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
SERVER = {option: each for each in mlflow.cli.server.params for option in each.opts}


@pytest.fixture
def objects() -> dict[tuple[str, str], Any]:
    """All of them by kind and name."""
    documents = yaml.safe_load_all((FOLDER / "tracking.yaml").read_text())
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


@pytest.fixture
def pod(objects: dict[tuple[str, str], Any]) -> Any:
    """The server's."""
    return objects["Deployment", "advnas-tracking"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod: Any) -> Any:
    [container] = pod["containers"]
    return container


def test_services_and_the_policy_find_their_pods(objects: dict[tuple[str, str], Any]) -> None:
    pods = {
        name: each["spec"]["template"]["metadata"]["labels"]
        for (kind, name), each in objects.items()
        if kind in ("Deployment", "StatefulSet")
    }
    for name, labels in pods.items():
        assert objects["Service", name]["spec"]["selector"] == labels
    policy = objects["NetworkPolicy", "advnas-tracking"]["spec"]
    assert policy["podSelector"]["matchLabels"] == pods["advnas-tracking"]


def test_the_jobs_address_is_the_servers_and_is_let_in(
    objects: dict[tuple[str, str], Any], container: Any
) -> None:
    job = yaml.safe_load((FOLDER / "rayjob.yaml").read_text())
    words = shlex.split(job["spec"]["entrypoint"])
    address = urlsplit(words[words.index("--tracking.uri") + 1])
    [port] = objects["Service", address.hostname or ""]["spec"]["ports"]
    assert port["port"] == address.port
    [hosts] = [word for word in container["args"] if word.startswith("--allowed-hosts=")]
    assert address.netloc in hosts.partition("=")[2].split(",")


def test_mlflow_knows_the_options_and_takes_the_database_from_the_environment(container: Any) -> None:
    program, command, *options = [*container["command"], *container["args"]]
    assert (program, command) == ("mlflow", "server")
    assert {word.partition("=")[0] for word in options} <= SERVER.keys()
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert SERVER["--backend-store-uri"].envvar in environment


def test_the_database_can_be_spoken_to_with_what_the_image_has(
    objects: dict[tuple[str, str], Any], container: Any
) -> None:
    environment = {each["name"]: each.get("value") for each in container["env"]}
    url = make_url(environment["MLFLOW_BACKEND_STORE_URI"].replace("$(PASSWORD)", "password"))
    assert url.get_dialect().driver == "psycopg"
    assert ("Service", url.host) in objects
    extra = [Requirement(text).name for text in PYPROJECT["project"]["optional-dependencies"]["server"]]
    assert extra == ["psycopg"]
    [postgres] = objects["StatefulSet", url.host]["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each.get("value") for each in postgres["env"]}
    assert given["POSTGRES_USER"] == url.username == url.database


def test_the_images_user_may_write_to_every_volume(pod: Any) -> None:
    [created] = [line for line in (FOLDER / "Dockerfile").read_text().splitlines() if "useradd" in line]
    user = int(created.split("--uid ")[1].split()[0])
    cluster = yaml.safe_load((FOLDER / "rayjob.yaml").read_text())["spec"]["rayClusterSpec"]
    groups = (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])
    for spec in (pod, *(group["template"]["spec"] for group in groups)):
        assert spec["securityContext"]["fsGroup"] == user


def test_login_shells_of_the_image_find_its_programs() -> None:
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    [path] = [line.removeprefix("ENV ") for line in lines if line.startswith("ENV PATH=")]
    [login] = [line for line in lines if "/etc/profile.d/" in line]
    assert login == f"RUN echo 'export {path}' > /etc/profile.d/advnas.sh"
