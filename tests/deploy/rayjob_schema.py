"""The fields of KubeRay's RayJob (ray.io/v1) and of Kubernetes' pods that our manifest uses, as JSON schemas.

Source: KubeRay's `ray-operator/apis/ray/v1/rayjob_types.go` (commit f6ef3f7b) and `raycluster_types.go`
(commit 3275ee09); a field that is not here has to be looked up there before the manifest may use it.
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
QUANTITIES: Schema = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": r"^\d+(\.\d+)?([KMGT]i?|m)?$"},
}


def exactly(required: Schema, optional: Schema | None = None) -> Schema:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def some(items: Schema) -> Schema:
    """A list of at least one."""
    return {"type": "array", "items": items, "minItems": 1}


CONTAINER = exactly(
    {"name": TEXT, "image": TEXT, "resources": exactly({"requests": QUANTITIES, "limits": QUANTITIES})},
    {"volumeMounts": some(exactly({"name": TEXT, "mountPath": {"type": "string", "pattern": "^/"}}))},
)
VOLUME = exactly({"name": TEXT, "persistentVolumeClaim": exactly({"claimName": TEXT})})
SECURITY = exactly({"fsGroup": COUNT})
POD_TEMPLATE = exactly(
    {"spec": exactly({"containers": some(CONTAINER)}, {"volumes": some(VOLUME), "securityContext": SECURITY})}
)

HEAD_GROUP = exactly({"rayStartParams": TEXTS, "template": POD_TEMPLATE})
WORKER_GROUP = exactly(
    {
        "groupName": TEXT,
        "minReplicas": COUNT,
        "maxReplicas": COUNT,
        "rayStartParams": TEXTS,
        "template": POD_TEMPLATE,
    },
    {"replicas": COUNT},
)
RAY_CLUSTER = exactly(
    {"headGroupSpec": HEAD_GROUP},
    {
        "rayVersion": TEXT,
        "authOptions": exactly({"mode": {"enum": ["disabled", "token"]}}),
        "workerGroupSpecs": some(WORKER_GROUP),
    },
)

RAY_JOB = exactly(
    {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": exactly({"name": TEXT}),
        "spec": exactly(
            {"entrypoint": TEXT, "rayClusterSpec": RAY_CLUSTER},
            {
                "runtimeEnvYAML": TEXT,
                "backoffLimit": COUNT,
                "activeDeadlineSeconds": {"type": "integer", "minimum": 1},
                "shutdownAfterJobFinishes": {"type": "boolean"},
                "ttlSecondsAfterFinished": COUNT,
            },
        ),
    }
)
