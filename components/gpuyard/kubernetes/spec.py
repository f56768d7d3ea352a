"""Specs of clusters wherever they run: complete, frozen, free of Pulumi."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from gpuyard.parsing import Spec


def _cidr(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError as error:
        raise ValueError(f"{error}\nit looks like 203.0.113.0/24") from None


Cidr = Annotated[str, AfterValidator(_cidr)]


class ExistingClusterSpec(Spec):
    """How to reach a cluster that exists."""

    context: str = Field(min_length=1)
    kubeconfig: str = ""
    storage_class: str = ""
