"""``gpuyard capacity``: the ranked ladder of places and purchase kinds."""

from pathlib import Path
from typing import Any

import click

from gpuyard.cli.live import live_options
from gpuyard.cli.options import directory_option, format_option


@click.command("capacity")
@click.option("-s", "--stack", default="", help="The ladders of a stack.  [default: the only one]")
@directory_option
@click.option("--gpu", "gpus", multiple=True, help="A GPU instead of a stack; several: best first.")
@click.option(
    "--count", default=8, show_default=True, type=click.IntRange(1, 1024), help="GPUs of a replica."
)
@click.option(
    "--nodes", default=1, show_default=True, type=click.IntRange(1, 128), help="Nodes of a replica."
)
@click.option("--replicas", default=1, show_default=True, type=click.IntRange(1, 1000))
@click.option("--cloud", "clouds", multiple=True, type=click.Choice(["aws", "gcp"]), help="[default: both]")
@click.option("--region", "regions", multiple=True, help="Allowed regions.  [default: all]")
@click.option("--zone", "zones", multiple=True, help="Allowed zones.  [default: all]")
@click.option("--purchase", "purchases", multiple=True, help="Allowed purchase kinds.  [default: all]")
@click.option("--spread", is_flag=True, help="A rung over all zones of a region, not one per zone.")
@click.option("--max-usd-per-gpu-hour", type=click.FloatRange(0, min_open=True))
@click.option("--budget", type=click.FloatRange(0, min_open=True), help="USD until --end, or per month.")
@click.option("--start-by", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--residency", multiple=True, help="Country (DE), area (europe) or eu.")
@click.option("--interconnect", "interconnects", multiple=True, help="One of these between machines.")
@click.option("--order", default="accelerator,cost", show_default=True, help="accelerator, purchase, cost.")
@click.option("--unserved", type=click.FloatRange(0), help="USD that an hour without the service costs.")
@click.option("--why-not", "why_nots", multiple=True, help="A region, zone, machine type or purchase.")
@click.option(
    "--evidence",
    "evidence_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the clouds answered.  [default: capacity.evidence.json beside the lock, where it is]",
)
@live_options
@click.option(
    "--manifests",
    is_flag=True,
    help="The stack's ladder as Karpenter NodePools or a GKE ComputeClass, YAML, instead.",
)
@click.option(
    "--node-role", default="", help="IAM role of Karpenter's nodes.  [default: named for the cluster]"
)
@click.option("--all", "every", is_flag=True, help="Every rung and every exclusion.")
@format_option("text", "json")
def command(**options: Any) -> int:
    """Where GPUs can be had, in which order to try, at what price and when: offline, with its date.

    For a stack, or for --gpu and --count. Exit 1 when nothing meets the demand; then the smallest change
    that helps is said. Exit 3 when --live could ask no cloud; the answer is then the offline one.
    """
    if options["manifests"]:
        from gpuyard.cli.capacity_manifests import render_manifests

        if options["gpus"]:
            raise click.UsageError("--manifests is for a stack: it needs a lock and a cluster")
        manifests = render_manifests(options["directory"], options["stack"], options["node_role"])
        click.echo(manifests, nl=False)
        return 0
    from gpuyard.cli.capacity_request import read_request

    request = read_request(options)
    if options["form"] == "json":
        import json

        from gpuyard.cli.capacity_json import capacity_document

        click.echo(json.dumps(capacity_document(request), indent=1, allow_nan=False))
    else:
        from gpuyard.cli.capacity_text import render_capacity

        click.echo(render_capacity(request, every=options["every"]), nl=False)
    return request.live_code or (0 if all(ladder.rungs for ladder in request.ladders) else 1)
