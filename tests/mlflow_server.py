"""A real MLflow server in this process, as starting one of its own takes half a minute."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import BaseWSGIServer, make_server


class Server:
    """MLflow's server on 127.0.0.1, on the same port whenever it is up."""

    def __init__(self, app) -> None:
        self._app = app
        self._running: BaseWSGIServer | None = None
        self.port = 0

    def start(self) -> None:
        self._running = make_server("127.0.0.1", self.port, self._app, threaded=True)
        self.port = self._running.port
        threading.Thread(target=self._running.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._running:
            self._running.shutdown()
            self._running.server_close()
        self._running = None


@contextmanager
def server_of(uri: str, artifacts: Path) -> Iterator[Server]:
    """Serve a database and a folder of artifacts."""
    from mlflow import server
    from mlflow.server import handlers
    from mlflow.tracking._model_registry import utils as registry
    from mlflow.tracking._tracking_service import utils as tracking

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(server.BACKEND_STORE_URI_ENV_VAR, uri)
        patch.setenv(server.ARTIFACT_ROOT_ENV_VAR, "mlflow-artifacts:/")
        patch.setenv(server.SERVE_ARTIFACTS_ENV_VAR, "true")
        patch.setenv(server.ARTIFACTS_DESTINATION_ENV_VAR, str(artifacts))
        for cached in ("_tracking_store", "_artifact_repo", "_model_registry_store"):
            patch.setattr(handlers, cached, None)
        # The server writes its own address there: for this process, and for all that are started later.
        for variable, module in (("MLFLOW_TRACKING_URI", tracking), ("MLFLOW_REGISTRY_URI", registry)):
            patch.setenv(variable, "")
            patch.setattr(module, f"_{variable.removeprefix('MLFLOW_').lower()}", None)
        running = Server(server.app)
        running.start()
        yield running
        running.stop()
