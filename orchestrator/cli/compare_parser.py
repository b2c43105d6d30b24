"""The arguments and the help of `advnas compare`."""

from typing import TYPE_CHECKING

from orchestrator.cli.arguments import add_command, add_json, add_root

if TYPE_CHECKING:
    from orchestrator.cli.arguments import Commands


def add_compare(commands: "Commands") -> None:
    """`advnas compare`."""
    command = add_command(
        commands,
        "compare",
        "show runs, sweeps and published architectures side by side: which is best, and is it real",
        (
            "advnas compare first second adversarialnas",
            "advnas compare first second --html comparison.html --data comparison.parquet",
            "advnas compare advnas --root /data/runs      # everything in an experiment of MLflow",
        ),
    )
    command.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="a run, a sweep, an experiment, runs:/ID, a genotype file, or a published name",
    )
    command.add_argument("--html", metavar="FILE", help="write a page with figures, images and drawings too")
    command.add_argument("--data", metavar="FILE", help="write the rows as .parquet or .json too")
    command.add_argument("--tracking-uri", metavar="URI", help="of MLflow (default: the database in --root)")
    add_root(command)
    add_json(command)
