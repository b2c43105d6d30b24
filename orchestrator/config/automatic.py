"""Settings that follow from others: where a configuration says `auto`, networks take the shape of the images.

One option, `data.image_size`, then sets the size, and a folder's images decide the channels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

AUTO = "auto"
CHANNELS = {"digits": 1}
"""Data sets that are not RGB by themselves."""
RGB = 3
NETWORKS = ("generator", "discriminator")

FOLLOWING = frozenset(
    (
        "data.channels",
        *(f"{stage}.{network}.image_channels" for stage in ("search", "retrain") for network in NETWORKS),
        *(f"{stage}.generator.bottom_width" for stage in ("search", "retrain")),
    )
)
"""Options that may be `auto`."""


def followed(document: Any) -> Any:
    """A configuration without `auto`; whatever is wrong with it otherwise stays for its validation."""
    data = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(data, Mapping):
        return document
    if data.get("channels") == AUTO:
        data = {**data, "channels": _channels(data)}
    stages = {
        name: _stage(document[name], data)
        for name in ("search", "retrain")
        if isinstance(document.get(name), Mapping)
    }
    return {**document, "data": data, **stages}


def _stage(stage: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    size, channels = data.get("image_size"), data.get("channels", CHANNELS.get(str(data.get("name")), RGB))
    values = {"image_channels": channels, "bottom_width": size // 8 if isinstance(size, int) else AUTO}
    networks = {
        name: {
            option: values.get(option, value) if value == AUTO else value
            for option, value in stage[name].items()
        }
        for name in NETWORKS
        if isinstance(stage.get(name), Mapping)
    }
    return {**stage, **networks}


def _channels(data: Mapping[str, Any]) -> int:
    """The channels of the images in the folder; RGB if the folder does not exist, which loading reports."""
    root = data.get("root")
    if data.get("name") != "image_folder" or not isinstance(root, str | Path):
        return CHANNELS.get(str(data.get("name")), RGB)
    folder = Path(root).expanduser()
    if not folder.is_dir():
        return RGB
    from trainers.datasets.survey import survey

    return survey(folder).channels
