"""The figures of a search as files beside its checkpoints."""

from pathlib import Path

from orchestrator.plots.history import histories
from trainers.files import written_whole


def watch_files(folder: Path, animate: bool) -> dict[str, bytes]:
    """Figures by file name, written into the folder too; animations take longest. None before two reports."""
    from orchestrator.plots.animation import animation
    from orchestrator.plots.search import SYMBOLS, convergence, preferences

    found = histories(folder)
    if not found or len(found[0].steps) < 2:
        return {}
    files = {f"watch_{SYMBOLS[history.network]}.png": preferences(history) for history in found}
    files["watch_convergence.png"] = convergence(found)
    for history in found if animate else ():
        if film := animation(history):
            files[f"watch_{history.network}.gif"] = film
    for name, content in files.items():
        with written_whole(folder / name) as file:
            file.write(content)
    return files
