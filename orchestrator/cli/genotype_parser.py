"""The arguments and the help of `advnas genotype`."""

from typing import TYPE_CHECKING

from orchestrator.cli.arguments import add_command, add_json, add_root, at_least_one

if TYPE_CHECKING:
    from orchestrator.cli.arguments import Commands

WIDTHS = {
    "--channels": "width the cost is told for (default: 256 of a generator, 128 of a discriminator)",
    "--bottom-width": "images are 8 x this (default: 4)",
    "--latent-parts": "of a generator: parts that z is cut into (default: 3)",
}


def add_genotype(commands: "Commands") -> None:
    """`advnas genotype` and its actions."""
    genotype = add_command(
        commands,
        "genotype",
        "show, draw, list and convert architectures",
        ("advnas genotype list", "advnas genotype draw adversarialnas drawing.svg"),
    )
    actions = genotype.add_subparsers(prog="advnas genotype", dest="action", metavar="ACTION", required=True)
    source = "a name of the list, a .json or .npy file, or the name of a run"

    show = add_command(
        actions,
        "show",
        "print an architecture, edge by edge, and what it costs",
        (
            "advnas genotype show eagan",
            "advnas genotype show adversarialnas --channels 270 --bottom-width 6 --latent-parts 2",
            "advnas genotype show my/genotype.json --json",
        ),
    )
    show.add_argument("source", metavar="GENOTYPE", help=source)
    for option, text in WIDTHS.items():
        show.add_argument(option, type=at_least_one, metavar="N", help=text)
    add_json(show)

    draw = add_command(
        actions,
        "draw",
        "draw an architecture as .png or .svg",
        (
            "advnas genotype draw adversarialnas drawing.png",
            "advnas genotype draw adversarialnas differences.svg --compare eagan",
        ),
    )
    draw.add_argument("source", metavar="GENOTYPE", help=source)
    draw.add_argument("target", metavar="FILE", help=".png or .svg")
    draw.add_argument("--compare", metavar="GENOTYPE", help="mark the edges on which this one differs")

    listed = add_command(
        actions,
        "list",
        "list the published architectures with their published scores",
        ("advnas genotype list", "advnas genotype list --results", "advnas genotype list --json"),
    )
    listed.add_argument(
        "--results", action="store_true", help="all published results instead, other methods' too"
    )
    add_json(listed)

    convert = add_command(
        actions,
        "convert",
        "convert between our .json and the .npy of the released code",
        (
            "advnas genotype convert best_gen.npy genotype.json",
            "advnas genotype convert adversarialnas best_gen.npy",
        ),
    )
    convert.add_argument("source", metavar="GENOTYPE", help=source)
    convert.add_argument("target", metavar="FILE", help=".json or .npy")

    for action in (show, draw, convert):
        add_root(action)
        action.add_argument(
            "--network",
            choices=("generator", "discriminator"),
            default="generator",
            help="which one of a run (default: generator)",
        )
