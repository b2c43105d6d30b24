"""The entry point of `advnas` and `python -m orchestrator`: runs a command and turns errors into exit
codes."""

import errno
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.cli.command_line import parse
from orchestrator.cli.help.completion import complete, is_asked
from orchestrator.console.exit_codes import DONE, FAILED, INTERRUPTED, MISTAKE
from search_space.errors import UserError, printable
from trainers.files import is_disk_full
from trainers.interruption import interruptible

IN_THE_WAY = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST)
"""Something else has a name that a run needs."""
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
BROKEN = (errno.EIO, errno.ESTALE)
"""Faults of a disk or of the way to it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do a command. The exit code says whether it was done, and if not, whose mistake it was."""
    words = sys.argv[1:] if arguments is None else arguments
    if is_asked():
        complete()
    try:
        _speak_plainly()
        with interruptible():
            parsed = parse(words)
            return int(parsed.run(parsed))
    except UserError as error:
        _complain(str(error))
        return MISTAKE
    except KeyboardInterrupt as interrupt:
        _say_how_to_go_on(words, *interrupt.args[:1])
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has seen enough
        return DONE
    except Exception as error:
        if isinstance(error, OSError) and (cure := _cure(error)):
            named = error.filename2 or error.filename  # the second one is what a renamed file would become
            place = f"{named}: " if named else ""
            _complain(f"{place}{error.strerror}: {cure}; the same command resumes where it stopped")
            return MISTAKE
        if not _is_divergence(error):
            traceback.print_exc()
        _complain(f"failed: {error}" if str(error) else f"failed: {type(error).__name__}")
        return FAILED


def _cure(error: OSError) -> str | None:
    """What the user can do about a file; None for what may be a fault of the code."""
    if is_disk_full(error):
        return "free some space"
    if error.filename and error.errno in IN_THE_WAY:
        return "move it away"
    if error.filename and error.errno in FORBIDDEN:
        return "give yourself the right to read and write it"
    return "check the disk" if error.errno in BROKEN else None


def _say_how_to_go_on(words: Sequence[str], run: object = None) -> None:
    """The command as it is typed, in a line of its own."""
    if not isinstance(run, str):
        _complain("interrupted before a run began; the same command starts again")
        return
    program = "advnas" if Path(sys.argv[0]).name != "__main__.py" else "python -m orchestrator"
    _complain("interrupted; continue with:")
    print(f"{program} {shlex.join([*_without_name(words), '--name', run])}", file=sys.stderr)


def _without_name(words: Sequence[str]) -> Iterator[str]:
    remaining = iter(words)
    for word in remaining:
        if word == "--name":
            next(remaining, None)
        elif not word.startswith("--name="):
            yield word


def _is_divergence(error: Exception) -> bool:
    from trainers.guarded_step import NonFiniteLoss

    return isinstance(error, NonFiniteLoss)


def _speak_plainly() -> None:
    """Warnings may hold names of files, too."""
    handler = logging.lastResort
    if handler is not None:
        handler.setFormatter(_Plain())


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One that leaves the terminal as it is."""
        return printable(super().format(record))


def _complain(message: str) -> None:
    for line in printable(message).splitlines():
        print(f"advnas: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
