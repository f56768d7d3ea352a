"""The checks, in the order in which people want to read them, and what each is needed for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from gpuyard.discovery.doctor import aws, gcp, machine, network
from gpuyard.discovery.doctor.check import Check, Purpose, Verdict

ALL = frozenset(Purpose)
UP = frozenset({Purpose.UP})
LIVE = frozenset({Purpose.CAPACITY, Purpose.UP})
CAPACITY = frozenset({Purpose.CAPACITY})
NONE: frozenset[Purpose] = frozenset()
AUTH: Mapping[str, tuple[str, str, str]] = {
    "aws": (
        "aws",
        "the login to an EKS cluster",
        "install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    ),
    "gcp": (
        "gke-gcloud-auth-plugin",
        "the login to a GKE cluster",
        "`gcloud components install gke-gcloud-auth-plugin`, or your package manager's package of that name",
    ),
}
"""Command that the kubeconfig of a cluster runs, what for, and how to get it, by cloud."""


def make_checks(
    clouds: Sequence[str], region: str, today: date, *, open_aws: Any, open_gcp: Any
) -> list[Check]:
    """Every check about this machine and ``clouds``."""
    checks = [
        _check("python", ALL, machine.look_at_python),
        _check("catalog", NONE, partial(machine.look_at_catalog, today)),
        _check("pulumi", UP, machine.look_at_pulumi),
        _check("pulumi.python", UP, machine.look_at_language_host),
        _check("pulumi.backend", UP, machine.look_at_backend),
        _check("pulumi.plugins", NONE, machine.look_at_plugins),
        _check("kubectl", NONE, machine.look_at_kubectl),
        _check("kubeconfig", NONE, machine.look_at_kubeconfig),
    ]
    checks += [
        _check(f"network.{urlsplit(url).hostname}", UP, partial(network.look_at_host, url))
        for url in network.HOSTS["up"]
    ]
    if "aws" in clouds:
        access = open_aws()
        looks = {
            "aws.identity": (LIVE, partial(aws.look_at_identity, access)),
            "aws.region": (UP, partial(aws.look_at_region, access)),
            "aws.permissions.capacity": (CAPACITY, partial(aws.look_at_discovery, access)),
            "aws.permissions.up": (UP, partial(aws.look_at_deployment, access)),
        }
        checks += _of_cloud("aws", looks, region or access.region)
    if "gcp" in clouds:
        project = gcp.GcpAccess(open_gcp)
        looks = {
            "gcp.identity": (LIVE, partial(gcp.look_at_identity, project)),
            "gcp.permissions.capacity": (CAPACITY, partial(gcp.look_at_discovery, project)),
            "gcp.permissions.up": (UP, partial(gcp.look_at_deployment, project)),
        }
        checks += _of_cloud("gcp", looks, "")
    return checks


def _of_cloud(
    cloud: str, looks: Mapping[str, tuple[frozenset[Purpose], Callable[[], Verdict]]], region: str
) -> list[Check]:
    hosts = [url.format(region=region) for url in network.HOSTS[cloud]]
    command, needed_for, fix = AUTH[cloud]
    return [
        *(_check(name, purposes, look, cloud) for name, (purposes, look) in looks.items()),
        _check(f"{cloud}.login", UP, partial(machine.look_at_command, command, needed_for, fix), cloud),
        *(
            _check(f"network.{urlsplit(url).hostname}", LIVE, partial(network.look_at_host, url), cloud)
            for url in hosts
        ),
    ]


def _check(id_: str, purposes: frozenset[Purpose], look: Callable[[], Verdict], cloud: str = "") -> Check:
    return Check(id=id_, purposes=purposes, cloud=cloud, look=look)
