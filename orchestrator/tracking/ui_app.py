"""MLflow's web interface, opened at its list of runs with this project's columns; loaded by `mlflow server`.

MLflow keeps the columns of a list in the browser. A link to a shared view would set them too, but under a
banner that asks whether to keep them.
"""

import json

from mlflow.server.fastapi_app import app
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from orchestrator.tracking.view import COLUMNS, STORAGE_KEY

__all__ = ["app"]

PATH = "/advnas"

PAGE = """<!doctype html><meta charset="utf-8"><title>advnas</title>
<script>
const [store, page, state] = KEY;
const key = store + page + "-" + JSON.stringify([EXPERIMENT]) + "-" + state;
if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(VIEW));
// MLflow's assistant would open at the first visit and cover a quarter of the table; its button stays.
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
// Pages without this in their address, such as that of one run, would open among those for language models.
if (localStorage.getItem("mlflow.workflowType_v1") === null)
  localStorage.setItem("mlflow.workflowType_v1", '"machine_learning"');
location.replace("/#/experiments/" + EXPERIMENT + "/runs?workflowType=machine_learning");
</script>
"""


async def opened(request: Request) -> HTMLResponse:
    """A page that chooses the columns, unless the user has chosen already, and goes on to the runs."""
    experiment = "".join(digit for digit in request.path_params["experiment"] if digit.isdecimal())
    view = {"selectedColumns": COLUMNS, "runsExpanded": {}, "runsPinned": [], "runsHidden": []}
    page = PAGE.replace("EXPERIMENT", json.dumps(experiment)).replace("VIEW", json.dumps(view))
    page = page.replace("KEY", json.dumps(STORAGE_KEY), 1)
    return HTMLResponse(page)


# Before the routes that are there: the last of them answers every path.
app.router.routes.insert(0, Route(f"{PATH}/{{experiment}}", opened))
