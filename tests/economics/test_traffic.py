"""Use that follows from demand: amounts by hand, assumptions by name."""

from dataclasses import replace

import pytest

from gpuyard.economics.load import Load, Workload, spread_over_day
from gpuyard.economics.replicas import plan_day
from gpuyard.economics.traffic import (
    BYTES_PER_STREAMED_TOKEN,
    EndpointTraffic,
    derive_usage,
    month_of,
)

QUIET = EndpointTraffic(
    endpoint="chat",
    cloud="aws",
    region="us-east-1",
    cluster="prod-aws-us-east-1",
    pool="urn:chat-nodes",
    image_bytes=12_000_000_000,
    weights_bytes=70_000_000_000,
    weights_source="hf",
    nodes_min=1,
    replicas_per_node=2,
    replicas_min=2,
)
LOAD = Load(
    workload=Workload(input_tokens=1000, output_tokens=300),
    hourly=spread_over_day(per_second=10.0, active_hours=12),
)
BUSY = replace(
    QUIET, load=LOAD, day=plan_day(LOAD, 3.0, target_utilisation=1.0, lowest=2, highest=4), is_exposed=True
)
NAT = "aws:ec2/natGateway:NatGateway::prod-aws-us-east-1*"


def test_without_a_load_only_upkeep_moves_bytes():
    """One node turned over a month and two rollouts: 3 image pulls and 3 x 2 weight loads."""
    month = month_of(QUIET)
    assert (month.node_starts, month.pod_starts) == (1, 6)
    assert month.nat_gb == pytest.approx(3 * 12 + 6 * 70)
    assert month.served_gb == 0


def test_scaling_up_every_day_pulls_image_and_weights_every_day():
    month = month_of(BUSY, hours_per_month=720)
    assert month.nodes == pytest.approx(1.5)
    assert month.node_starts == pytest.approx(30 + 1.5)
    assert month.pod_starts == pytest.approx(2 * 30 + 3 * 3)


@pytest.mark.parametrize("source", ["s3", "pvc", "gs"])
def test_weights_from_a_bucket_or_volume_pass_no_nat(source):
    assert month_of(replace(QUIET, weights_source=source)).nat_gb == pytest.approx(3 * 12)


def test_gateways_share_the_traffic_evenly():
    one, three = (derive_usage([QUIET], {"prod-aws-us-east-1": count}).resources for count in (1, 3))
    key = "monthly_data_processed_gb"
    assert one[NAT][key] == pytest.approx(3 * three[NAT][key], abs=0.01)


def test_endpoints_of_one_cluster_add_up():
    two = derive_usage([QUIET, replace(QUIET, endpoint="other", pool="other")], {}).resources
    assert two[NAT]["monthly_data_processed_gb"] == pytest.approx(2 * 456)


def test_a_day_of_replicas_gives_the_average_of_nodes():
    found = derive_usage([BUSY], {}).resources
    assert found["urn:chat-nodes"] == {"instances": 1.5}
    gcp = derive_usage([replace(BUSY, cloud="gcp", pool_zones=3)], {}).resources
    assert gcp["urn:chat-nodes"] == {"nodes": 0.5}, "GKE counts nodes by zone"


def test_a_replica_that_spans_nodes_takes_them_all():
    spanning = replace(BUSY, replicas_per_node=1, nodes_per_replica=2, nodes_min=4)
    assert month_of(spanning).nodes == pytest.approx((12 * 2 * 4 + 12 * 2 * 2) / 24)


def test_an_exposed_endpoint_has_capacity_units_and_egress():
    found = derive_usage([BUSY], {})
    requests = LOAD.requests_per_month(730)
    balancer = found.types["aws:lb/loadBalancer:LoadBalancer"]
    assert balancer["new_connections"] == pytest.approx(5.0)
    gigabytes = requests * (1000 * 4 + 300 * 250 + 1500) / 1e9
    assert found.free[0]["monthly_outbound_internet_gb"] == pytest.approx(gigabytes, abs=0.01)
    assert derive_usage([replace(BUSY, is_exposed=False)], {}).free == ()


def test_a_streamed_token_has_about_the_size_of_an_openai_chunk():
    """The example event of the OpenAI API reference, "The chat completion chunk object" (read 2026-11)."""
    event = (
        'data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,'
        '"model":"gpt-4o-mini", "system_fingerprint": "fp_44709d6fcb", '
        '"choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}]}\n\n'
    )
    assert len(event) == pytest.approx(BYTES_PER_STREAMED_TOKEN, rel=0.2)


def test_every_amount_is_explained_by_name():
    names = [note.name for note in derive_usage([BUSY], {}).assumptions]
    assert "rollouts" in names
    assert "chat: data through NAT" in names
    assert len(names) == len(set(names))


def test_an_existing_cluster_has_no_gateways_to_pay():
    existing = replace(BUSY, cloud="kubernetes", pool="", nodes_min=0)
    found = derive_usage([existing], {})
    assert found.resources == {}
    assert month_of(existing).node_starts == 0
    assert not any(
        "NAT" in note.name or "nodes" in note.name for note in found.assumptions if "chat" in note.name
    )
