"""Prices and zones as the clouds state them now: AWS Price List and EC2, Google Cloud Billing and Compute.

Read-only calls. What they say becomes offers for an overlay that people review; nothing here is used
by a plan directly, so plans stay offline.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gpuyard.catalog.hardware import machine_types
from gpuyard.catalog.offers import Offer
from gpuyard.discovery.failure import masked
from gpuyard.discovery.gcp.skus import SKUS, sku_sum
from gpuyard.errors import GpuyardError

if TYPE_CHECKING:
    from gpuyard.discovery.failure import Failure
    from gpuyard.discovery.gcp.client import GcpClients

Connect = Callable[[str, str], Any]
"""A boto3 client for (service, region)."""
Get = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""JSON answer of a GET of (URL, query)."""

PRICE_LIST_REGION = "us-east-1"
REFRESH_SECONDS = 900
"""Throttling is waited out for so long altogether."""
COMPUTE_SKUS = f"https://cloudbilling.googleapis.com{SKUS}"
MACHINE_TYPES = "https://compute.googleapis.com/compute/v1/projects/{project}/aggregated/machineTypes"


class DiscoveryError(GpuyardError):
    """A cloud that did not answer, or said no."""

    exit_code = 3


def ask_aws(
    machines: Sequence[str], regions: Sequence[str], today: str, connect: Connect | None = None
) -> list[Offer]:
    """Zones, on-demand and latest spot prices of ``machines``; one offer per zone that sells one.

    Raises:
        DiscoveryError: no credentials, no permission, or no answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (0.3 s that only a refresh needs)

    from gpuyard.discovery.aws.explain import explain  # noqa: PLC0415 (see above)

    offers = []
    region = ""
    try:
        connect = connect or _boto_clients()
        pricing = connect("pricing", PRICE_LIST_REGION)
        for region in regions:
            ec2 = connect("ec2", region)
            quotes = _spot_quotes(ec2, machines)
            for machine, zone in _sold(ec2, machines):
                offers.append(
                    Offer(
                        cloud="aws",
                        machine_type=machine,
                        region=region,
                        zone=zone,
                        on_demand=_list_price(pricing, machine, region),
                        spot=quotes.get((machine, zone)),
                        source="AWS Price List and EC2",
                        as_of=today,
                    )
                )
    except (BotoCoreError, ClientError) as error:
        failure = explain(error, region)
        raise DiscoveryError(f"AWS did not answer: {failure.message}\n  fix: {failure.fix}") from None
    except _NOT_THEIRS as error:
        raise _not_theirs("AWS", error) from None
    return offers


def ask_gcp(
    machines: Sequence[str], regions: Sequence[str], project: str, today: str, get: Get | None = None
) -> list[Offer]:
    """Zones, on-demand and spot prices of ``machines``; one offer per zone that lists one.

    Prices are summed from SKUs and lack the local SSD that some types bundle; the source says so.
    Families whose SKUs are ambiguous get zones without prices.

    Raises:
        DiscoveryError: no credentials, no permission, or no answer.
    """
    get = get or google_get(_google_clients(project))
    try:
        return _google_offers(machines, regions, project, today, get)
    except _NOT_THEIRS as error:
        raise _not_theirs("Google Cloud", error) from None


def _google_offers(
    machines: Sequence[str], regions: Sequence[str], project: str, today: str, get: Get
) -> list[Offer]:
    skus = list(pages(get, COMPUTE_SKUS, {"pageSize": "5000"}, "skus"))
    offers = []
    for machine_id in machines:
        machine = machine_types("gcp")[machine_id]
        url = MACHINE_TYPES.format(project=project)
        for zone in sorted(_zones(get, url, machine_id)):
            region = zone.rpartition("-")[0]
            if region not in regions:
                continue
            offers.append(
                Offer(
                    cloud="gcp",
                    machine_type=machine_id,
                    region=region,
                    zone=zone,
                    on_demand=sku_sum(skus, machine, region, is_spot=False),
                    spot=sku_sum(skus, machine, region, is_spot=True),
                    source="Cloud Billing SKUs, local SSD not included; Compute Engine zones",
                    as_of=today,
                )
            )
    return offers


def _boto_clients() -> Connect:
    """Clients that only read, with time limits, and wait out throttling."""
    import boto3  # noqa: PLC0415 (see ask_aws)

    from gpuyard.discovery.aws.client import AwsClients  # noqa: PLC0415 (only a refresh needs it)

    return AwsClients(boto3.Session(), time.monotonic() + REFRESH_SECONDS)


def _sold(ec2: Any, machines: Sequence[str]) -> list[tuple[str, str]]:
    """Machine type and zone id of every offering, sorted."""
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone-id",
        Filters=[{"Name": "instance-type", "Values": list(machines)}],
    )
    return sorted(
        (offering["InstanceType"], offering["Location"])
        for page in pages
        for offering in page["InstanceTypeOfferings"]
    )


def _spot_quotes(ec2: Any, machines: Sequence[str]) -> dict[tuple[str, str], float]:
    """Latest Linux spot price by machine type and zone id."""
    from datetime import UTC, datetime  # noqa: PLC0415 (beside the call that means now)

    zones = {
        zone["ZoneName"]: zone["ZoneId"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]
    }
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=list(machines),
        ProductDescriptions=["Linux/UNIX"],
        StartTime=datetime.now(UTC),
    )
    found: dict[tuple[str, str], tuple[Any, float]] = {}
    for quote in (quote for page in pages for quote in page["SpotPriceHistory"]):
        zone = quote.get("AvailabilityZoneId") or zones.get(quote["AvailabilityZone"])
        key = (quote["InstanceType"], zone or "")
        if zone and (key not in found or found[key][0] < quote["Timestamp"]):
            found[key] = (quote["Timestamp"], float(quote["SpotPrice"]))
    return {key: price for key, (_, price) in found.items()}


def _list_price(pricing: Any, machine: str, region: str) -> float | None:
    """On-demand USD per hour; None: not sold on demand.

    Without `marketoption` the rows of capacity blocks would answer as well, at the price of their
    operating system alone (skypilot-org/skypilot#4657).
    """
    wanted = {
        "regionCode": region,
        "instanceType": machine,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "tenancy": "Shared",
    }
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    prices = {
        float(dimension["pricePerUnit"]["USD"])
        for page in pricing.get_paginator("get_products").paginate(ServiceCode="AmazonEC2", Filters=filters)
        for product in page["PriceList"]
        for term in json.loads(product)["terms"].get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if dimension["unit"] == "Hrs" and "USD" in dimension["pricePerUnit"]
    }
    prices.discard(0.0)
    return prices.pop() if len(prices) == 1 else None


def _google_clients(project: str) -> "GcpClients":
    import google.auth  # noqa: PLC0415 (only a refresh needs it)
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    from gpuyard.discovery.gcp.client import GcpClients  # noqa: PLC0415 (see ask_aws)
    from gpuyard.discovery.gcp.explain import explain  # noqa: PLC0415

    try:
        scopes = ["https://www.googleapis.com/auth/cloud-platform.read-only"]
        credentials = google.auth.default(scopes=scopes)[0]
    except GoogleAuthError as error:
        raise _no_answer(explain(error, project)) from None
    return GcpClients(credentials, project, time.monotonic() + REFRESH_SECONDS)


def google_get(clients: "GcpClients") -> Get:
    """GETs that end in an answer or in a `DiscoveryError` that says what to do."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError  # noqa: PLC0415 (see ask_aws)
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415
    from requests.exceptions import InvalidJSONError  # noqa: PLC0415

    from gpuyard.discovery.gcp.explain import explain  # noqa: PLC0415

    def get(url: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        is_billing = url == COMPUTE_SKUS
        named = (
            ("cloudbilling", "services.skus.list")
            if is_billing
            else ("compute", "machineTypes.aggregatedList")
        )
        try:
            return clients.get(*named, urlsplit(url).path, **query)
        except InvalidJSONError as error:
            raise _not_theirs("Google Cloud", error) from None
        except (GoogleAPICallError, GoogleAuthError, RequestException, RetryError) as error:
            raise _no_answer(explain(error, clients.project)) from None

    return get


_NOT_THEIRS = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an answer raises that lacks what the cloud's own always have."""


def _not_theirs(cloud: str, error: Exception) -> DiscoveryError:
    """Of a proxy that answers in the cloud's place, mostly."""
    what = f"{type(error).__name__}: {masked(str(error))[:80]}"
    message = f"what came back is no answer of {cloud} ({what})"
    return DiscoveryError(f"{message}\n  fix: look for a proxy or a login page in between: `gpuyard doctor`")


def _no_answer(failure: "Failure") -> DiscoveryError:
    fix = failure.fix.removesuffix("; answers are kept")
    return DiscoveryError(f"Google Cloud did not answer: {failure.message}\n  fix: {fix}")


def pages(get: Get, url: str, query: Mapping[str, str], field: str) -> Iterator[Any]:
    """Entries of every page of a list."""
    token = ""
    while True:
        answer = get(url, {**query, "pageToken": token} if token else query)
        items = answer.get(field, [])
        yield from items.items() if isinstance(items, Mapping) else items
        token = answer.get("nextPageToken", "")
        if not token:
            return


def _zones(get: Get, url: str, machine: str) -> set[str]:
    scopes = pages(get, url, {"filter": f'name = "{machine}"', "maxResults": "500"}, "items")
    return {scope.removeprefix("zones/") for scope, found in scopes if found.get("machineTypes")}
