"""One AWS region: zones, machine types, and where it sells them."""

import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from gpuyard.catalog.evidence_items import MachineShape, Offering, Zone

NOW = "now"
"""Stands for the date until the answer has one."""


class AwsRegion:
    """What several questions about one region need, asked once."""

    def __init__(self, clients: Any, name: str, account: str, machine_types: tuple[str, ...]) -> None:
        self.clients, self.name, self.account = clients, name, account
        self.machine_types = machine_types
        self._lock = threading.Lock()

    @property
    def ec2(self) -> Any:
        """The EC2 client."""
        return self.clients("ec2", self.name)

    def pages(self, operation: str, field: str, **request: Any) -> Iterator[Any]:
        """Entries of every page of an EC2 operation."""
        for page in self.ec2.get_paginator(operation).paginate(**request):
            yield from page.get(field, ())

    def zone_id(self, name: str) -> str:
        """The id behind this account's zone name; an id stays, an unknown name too."""
        with self._lock:
            names = self._zone_ids
        return names.get(name, name)

    def shape(self, machine_type: str) -> Mapping[str, Any] | None:
        """The machine type as EC2 describes it; None: the region does not have it."""
        with self._lock:
            shapes = self._shapes
        return shapes.get(machine_type)

    @cached_property
    def _zones(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.ec2.describe_availability_zones()["AvailabilityZones"])

    @cached_property
    def _zone_ids(self) -> Mapping[str, str]:
        return {zone["ZoneName"]: zone["ZoneId"] for zone in self._zones}

    @cached_property
    def _shapes(self) -> Mapping[str, Mapping[str, Any]]:
        found = self.pages(
            "describe_instance_types",
            "InstanceTypes",
            Filters=[{"Name": "instance-type", "Values": list(self.machine_types)}],
        )
        return {shape["InstanceType"]: shape for shape in found}

    def ask_zones(self) -> Iterator[Zone]:
        """Every zone that the account sees, local zones it has opted into among them."""
        with self._lock:
            zones = self._zones
        for zone in zones:
            yield Zone(
                cloud="aws",
                account=self.account,
                region=self.name,
                zone=zone["ZoneId"],
                name=zone["ZoneName"],
                available=zone.get("State", "available") in ("available", "information"),
                as_of=NOW,
            )

    def ask_machine_types(self) -> Iterator[MachineShape]:
        """Machine types that the region knows; a filter, for naming an unknown one is an error."""
        with self._lock:
            shapes = self._shapes
        for name, shape in shapes.items():
            gpus = shape.get("GpuInfo", {}).get("Gpus", ())
            efa = shape.get("NetworkInfo", {}).get("EfaInfo", {})
            yield MachineShape(
                cloud="aws",
                region=self.name,
                machine_type=name,
                vcpus=shape["VCpuInfo"]["DefaultVCpus"],
                memory_mib=shape["MemoryInfo"]["SizeInMiB"],
                gpu=" ".join(sorted({f"{gpu['Manufacturer']} {gpu['Name']}" for gpu in gpus})),
                gpus=sum(gpu.get("LogicalGpuCount", gpu.get("Count", 0)) for gpu in gpus),
                gpu_memory_mib=gpus[0].get("MemoryInfo", {}).get("SizeInMiB") if gpus else None,
                efa_interfaces=efa.get("MaximumEfaInterfaces", 0),
                purchases=tuple(sorted(shape.get("SupportedUsageClasses", ()))),
                as_of=NOW,
            )

    def ask_offerings(self) -> Iterator[Offering]:
        """Where the region sells the machine types, by zone id."""
        for offering in self.pages(
            "describe_instance_type_offerings",
            "InstanceTypeOfferings",
            LocationType="availability-zone-id",
            Filters=[{"Name": "instance-type", "Values": list(self.machine_types)}],
        ):
            yield Offering(
                cloud="aws",
                region=self.name,
                zone=offering["Location"],
                machine_type=offering["InstanceType"],
                as_of=NOW,
            )
