"""What each question to Google makes of its answer. Projects, ids and prices are synthetic."""

from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import billing_v1, cloudquotas_v1
from google.cloud import compute_v1 as compute
from tests.discovery.google import PROJECT, Refused, google

from gpuyard.discovery.asking import Trouble
from gpuyard.discovery.gcp.advice import ask_calendar, ask_odds, ask_preemptions, ask_spot_prices
from gpuyard.discovery.gcp.list_prices import ask_list_prices
from gpuyard.discovery.gcp.places import (
    ask_accelerators,
    ask_machine_types,
    ask_offerings,
    ask_regions,
    ask_zones,
)
from gpuyard.discovery.gcp.quotas import ask_quotas, ask_total_quotas, family_of, limits_of
from gpuyard.discovery.gcp.reserved import ask_reservations

REGIONS = ("us-central1", "europe-west4")
A3 = compute.MachineType(
    name="a3-highgpu-8g",
    guest_cpus=208,
    memory_mb=1916928,
    accelerators=[compute.Accelerators(guest_accelerator_type="nvidia-h100-80gb", guest_accelerator_count=8)],
)


def unreachable(kind):
    return kind(warning=compute.Warning(code="UNREACHABLE", message="synthetic outage"))


def test_zones_that_list_a_machine_type():
    scoped = compute.MachineTypesScopedList(machine_types=[A3])
    listed = compute.MachineTypeAggregatedList(
        items={
            "zones/us-central1-a": scoped,
            "zones/us-central1-c": scoped,
            "zones/asia-east1-a": scoped,
            "zones/us-central1-f": compute.MachineTypesScopedList(
                warning=compute.Warning(code="NO_RESULTS_ON_PAGE")
            ),
        }
    )
    with google(machineTypes__aggregatedList=listed) as double:
        clients = double.clients()
        offerings = list(ask_offerings(clients, ("a3-highgpu-8g", "g2-standard-4"), REGIONS))
        (shape,) = ask_machine_types(clients, ("a3-highgpu-8g", "g2-standard-4"), REGIONS)
        ((query, _),) = double.called("machineTypes.aggregatedList")
    assert {offering.zone for offering in offerings} == {"us-central1-a", "us-central1-c"}
    assert (shape.vcpus, shape.gpus, shape.gpu, shape.region) == (208, 8, "nvidia-h100-80gb", "us-central1")
    assert query["filter"] == '(name = "a3-highgpu-8g") OR (name = "g2-standard-4")'


def test_a_zone_that_does_not_answer_is_trouble_of_its_region_alone():
    listed = compute.MachineTypeAggregatedList(
        items={
            "zones/us-central1-a": compute.MachineTypesScopedList(machine_types=[A3]),
            "zones/europe-west4-a": unreachable(compute.MachineTypesScopedList),
        },
        unreachables=["zones/europe-west4-b"],
    )
    with google(machineTypes__aggregatedList=listed) as double:
        found = list(ask_offerings(double.clients(), ("a3-highgpu-8g",), REGIONS))
    troubles = [item for item in found if isinstance(item, Trouble)]
    (offering,) = (item for item in found if item not in troubles)
    assert offering.zone == "us-central1-a"
    assert [trouble.region for trouble in troubles] == ["europe-west4", "europe-west4"]
    assert "europe-west4-b did not answer" in str(troubles[1].error)


def test_accelerators_regions_and_zones():
    region = compute.Region(name="us-central1", status="UP")
    zone = compute.Zone(name="us-central1-a", status="DOWN")
    scoped = compute.AcceleratorTypesScopedList(
        accelerator_types=[compute.AcceleratorType(name="nvidia-tesla-t4")]
    )
    with google(
        regions__list=compute.RegionList(items=[region]),
        zones__list=compute.ZoneList(items=[zone]),
        acceleratorTypes__aggregatedList=compute.AcceleratorTypeAggregatedList(
            items={"zones/us-central1-a": scoped}
        ),
    ) as double:
        clients = double.clients()
        (found,) = ask_regions(clients, REGIONS)
        (place,) = ask_zones(clients, REGIONS)
        (gpu,) = ask_accelerators(clients, REGIONS)
    assert (found.region, found.enabled, found.account) == ("us-central1", True, PROJECT)
    assert (place.zone, place.available) == ("us-central1-a", False)
    assert gpu.machine_type == "nvidia-tesla-t4"


def test_reservations_with_their_use_and_futures_that_may_still_come():
    reservation = compute.Reservation(
        name="llm",
        status="READY",
        deployment_type="DENSE",
        specific_reservation_required=True,
        specific_reservation=compute.AllocationSpecificSKUReservation(
            count=4,
            in_use_count=3,
            instance_properties=compute.AllocationSpecificSKUAllocationReservedInstanceProperties(
                machine_type="a3-highgpu-8g"
            ),
        ),
        delete_at_time="2026-12-24T10:00:00.000-07:00",
    )
    future = compute.FutureReservation(
        name="spring",
        reservation_mode="CALENDAR",
        specific_sku_properties=compute.FutureReservationSpecificSKUProperties(
            total_count=16,
            instance_properties=compute.AllocationSpecificSKUAllocationReservedInstanceProperties(
                machine_type="a4-highgpu-8g"
            ),
        ),
        time_window=compute.FutureReservationTimeWindow(
            start_time="2027-01-10T00:00:00Z", end_time="2027-01-17T00:00:00Z"
        ),
        status=compute.FutureReservationStatus(procurement_status="COMMITTED"),
    )
    declined = compute.FutureReservation(
        name="no", status=compute.FutureReservationStatus(procurement_status="DECLINED")
    )
    with google(
        reservations__aggregatedList=compute.ReservationAggregatedList(
            items={"zones/us-central1-a": compute.ReservationsScopedList(reservations=[reservation])}
        ),
        futureReservations__aggregatedList=compute.FutureReservationsAggregatedListResponse(
            items={
                "zones/us-central1-b": compute.FutureReservationsScopedList(
                    future_reservations=[future, declined]
                ),
                "zones/us-central1-c": unreachable(compute.FutureReservationsScopedList),
            }
        ),
    ) as double:
        found = list(ask_reservations(double.clients(), REGIONS))
    (trouble,) = (item for item in found if isinstance(item, Trouble))
    held, coming = (item for item in found if item is not trouble)
    assert (held.total, held.available, held.state, held.is_targeted) == (4, 1, "ready", True)
    assert (held.id, held.ends_at) == ("us-central1-a/llm", "2026-12-24T17:00:00Z")
    assert (coming.form, coming.mode, coming.state, coming.total) == (
        "future_reservation",
        "calendar",
        "committed",
        16,
    )
    assert coming.starts_at == "2027-01-10T00:00:00Z"
    assert trouble.region == "us-central1"


FAMILIES = cloudquotas_v1.QuotaInfo(
    quota_id="GPUS-PER-GPU-FAMILY-per-project-region",
    quota_display_name="GPUs per GPU family",
    dimensions=["region", "gpu_family"],
    quota_increase_eligibility=cloudquotas_v1.QuotaIncreaseEligibility(is_eligible=True),
    dimensions_infos=[
        cloudquotas_v1.DimensionsInfo(
            dimensions={"region": "us-central1", "gpu_family": "NVIDIA_H100"},
            details=cloudquotas_v1.QuotaDetails(value=16),
            applicable_locations=["us-central1"],
        ),
        cloudquotas_v1.DimensionsInfo(
            dimensions={"gpu_family": "NVIDIA_H100"},
            details=cloudquotas_v1.QuotaDetails(value=8),
            applicable_locations=["europe-west4", "us-central1", "asia-east1"],
        ),
        cloudquotas_v1.DimensionsInfo(
            details=cloudquotas_v1.QuotaDetails(value=0), applicable_locations=["us-central1"]
        ),
    ],
)
OTHER = cloudquotas_v1.QuotaInfo(quota_id="CPUS-per-project-region")


def machine(accelerator, count, model="STANDARD"):
    return compute.Instance(
        guest_accelerators=[
            compute.AcceleratorConfig(
                accelerator_type=f"https://x/zones/us-central1-a/acceleratorTypes/{accelerator}",
                accelerator_count=count,
            )
        ],
        scheduling=compute.Scheduling(provisioning_model=model),
    )


def test_limits_per_gpu_family_come_with_use_and_open_requests():
    preference = cloudquotas_v1.QuotaPreference(
        service="compute.googleapis.com",
        quota_id="GPUS-PER-GPU-FAMILY-per-project-region",
        dimensions={"region": "us-central1", "gpu_family": "NVIDIA_H100"},
        quota_config=cloudquotas_v1.QuotaConfig(preferred_value=64, granted_value=16),
        reconciling=True,
        create_time=datetime(2026, 11, 25, 10, tzinfo=UTC),
    )
    settled = cloudquotas_v1.QuotaPreference(
        service="compute.googleapis.com", quota_id="CPUS-per-project-region"
    )
    running = [
        machine("nvidia-h100-80gb", 8),
        machine("nvidia-h100-80gb", 8, "SPOT"),
        machine("nvidia-l4", 1),
    ]
    l4 = compute.Quota(metric="NVIDIA_L4_GPUS", limit=8, usage=1)
    others = [compute.Quota(metric=name, limit=24) for name in ("CPUS", "COMMITTED_NVIDIA_L4_GPUS")]
    with google(
        quotaInfos__list=cloudquotas_v1.ListQuotaInfosResponse(quota_infos=[FAMILIES, OTHER]),
        quotaPreferences__list=cloudquotas_v1.ListQuotaPreferencesResponse(
            quota_preferences=[preference, settled]
        ),
        instances__aggregatedList=compute.InstanceAggregatedList(
            items={"zones/us-central1-a": compute.InstancesScopedList(instances=running)}
        ),
        regions__list=compute.RegionList(items=[compute.Region(name="us-central1", quotas=[l4, *others])]),
    ) as double:
        found = {(quota.code, quota.region): quota for quota in ask_quotas(double.clients(), REGIONS)}
    family = "GPUS-PER-GPU-FAMILY-per-project-region"
    here = found[family, "us-central1"]
    assert (here.limit, here.used, here.pending, here.gpu_family) == (16, 8, 64, "NVIDIA_H100")
    assert (here.pending_since, here.is_adjustable) == ("2026-11-25T10:00:00Z", True)
    there = found[family, "europe-west4"]
    assert (there.limit, there.used, there.pending) == (8, 0, None)
    assert (found["NVIDIA_L4_GPUS", "us-central1"].used, len(found)) == (1, 3)


def test_the_total_of_all_regions_is_a_quota_of_its_own():
    project = compute.Project(quotas=[compute.Quota(metric="GPUS_ALL_REGIONS", limit=0, usage=0)])
    with google(projects__get=project) as double:
        (quota,) = ask_total_quotas(double.clients())
    assert (quota.region, quota.code, quota.limit) == ("global", "GPUS_ALL_REGIONS", 0)


def test_compute_quotas_stay_known_where_cloud_quotas_is_refused():
    l4 = compute.Quota(metric="NVIDIA_L4_GPUS", limit=8, usage=1)
    regions = compute.RegionList(items=[compute.Region(name="us-central1", quotas=[l4])])
    with google(quotaInfos__list=Refused(403, "no"), regions__list=regions) as double:
        trouble, quota = ask_quotas(double.clients(), REGIONS)
    assert isinstance(trouble, Trouble)
    assert quota.code == "NVIDIA_L4_GPUS"


@pytest.mark.parametrize(
    ("accelerator", "family"),
    [
        ("nvidia-h100-80gb", "NVIDIA_H100"),
        ("nvidia-h100-mega-80gb", "NVIDIA_H100_MEGA"),
        ("nvidia-b200", "NVIDIA_B200"),
        ("nvidia-rtx-pro-6000", "NVIDIA_RTX_PRO_6000"),
        ("nvidia-l4", ""),
    ],
)
def test_an_accelerator_belongs_to_the_longest_family_name_that_fits(accelerator, family):
    families = ["NVIDIA_H100", "NVIDIA_H100_MEGA", "NVIDIA_B200", "NVIDIA_RTX_PRO_6000"]
    assert family_of(accelerator, families) == family


def test_a_value_without_a_family_limits_nothing():
    info = {
        "quotaId": "GPUS-PER-GPU-FAMILY-per-project-region",
        "dimensions": ["region", "gpu_family"],
        "dimensionsInfos": [{"details": {"value": "4"}, "applicableLocations": ["us-central1"]}],
    }
    assert list(limits_of(info, REGIONS)) == []


def test_odds_are_asked_for_the_whole_request_in_one_zone():
    shard = compute.CapacityAdviceResponseRecommendationShard(
        zone="https://x/zones/us-central1-a", machine_type="a3-highgpu-8g", instance_count=2
    )
    best = compute.CapacityAdviceResponseRecommendation(
        shards=[shard],
        scores=compute.CapacityAdviceResponseRecommendationScores(
            obtainability=0.0, estimated_uptime="3600s"
        ),
    )
    with google(advice__capacity=compute.CapacityAdviceResponse(recommendations=[best])) as double:
        odds, uptime = ask_odds(double.clients(), "us-central1", "a3-highgpu-8g", 2, "flex_start")
        ((_, body),) = double.called("advice.capacity")
    assert (odds.measure, odds.value, odds.zone) == ("obtainability", 0.0, "us-central1-a")
    assert (uptime.measure, uptime.value) == ("uptime", 3600)
    assert body["size"] == 2
    assert body["instanceProperties"]["scheduling"]["provisioningModel"] == "FLEX_START"
    assert body["distributionPolicy"]["targetShape"] == "ANY_SINGLE_ZONE"


def test_no_recommendation_is_an_empty_answer():
    with google() as double:
        clients = double.clients()
        assert list(ask_odds(clients, "us-central1", "a3-highgpu-8g", 2, "spot")) == []
        assert list(ask_calendar(clients, "us-central1", "a3-highgpu-8g", 2, 168, 30)) == []
        assert list(ask_spot_prices(clients, "us-central1", "a3-highgpu-8g", 14)) == []
        assert list(ask_preemptions(clients, "us-central1", "a3-highgpu-8g")) == []


def test_a_calendar_window_and_why_other_zones_have_none():
    found = compute.FutureResourcesRecommendation(
        location="zones/us-central1-a",
        start_time="2026-12-05T08:00:00Z",
        end_time="2026-12-12T08:00:00Z",
        other_locations={
            "zones/us-central1-b": compute.FutureResourcesRecommendationOtherLocation(
                status="NO_CAPACITY", details="no window of that length"
            )
        },
    )
    answer = compute.CalendarModeAdviceResponse(
        recommendations=[compute.CalendarModeRecommendation(recommendations_per_spec={"only": found})]
    )
    with google(advice__calendarMode=answer) as double:
        window, other = ask_calendar(double.clients(), "us-central1", "a4-highgpu-8g", 2, 168, 30)
        ((_, body),) = double.called("advice.calendarMode")
    assert (window.zone, window.starts_at, window.word) == (
        "us-central1-a",
        "2026-12-05T08:00:00Z",
        "recommended",
    )
    assert other.word == "NO_CAPACITY no window of that length"
    spec = body["futureResourcesSpecs"]["only"]
    assert spec["timeRangeSpec"]["minDuration"] == "604800s"
    assert spec["targetResources"]["specificSkuResources"]["instanceCount"] == "2"


def test_spot_history_gives_a_spread_and_a_rate_from_one_call():
    def price(days_ago, units, nanos):
        start = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
        return compute.CapacityHistoryResponsePriceRecord(
            interval=compute.Interval(start_time=start),
            list_price=compute.Money(currency_code="USD", units=units, nanos=nanos),
        )

    def rate(value):
        return compute.CapacityHistoryResponsePreemptionRecord(preemption_rate=value)

    history = compute.CapacityHistoryResponse(
        price_history=[price(40, 20, 0), price(5, 30, 500000000)],
        preemption_history=[rate(0.1), rate(0.3)],
    )
    with google(advice__capacityHistory=history) as double:
        clients = double.clients()
        (spot,) = ask_spot_prices(clients, "us-central1", "a3-highgpu-8g", 20)
        (preempted,) = ask_preemptions(clients, "us-central1", "a3-highgpu-8g")
        assert len(double.called("advice.capacityHistory")) == 1
    assert (spot.usd, spot.usd_p10, spot.usd_p90, spot.changes, spot.zone) == (30.5, 20, 30.5, 1, "")
    assert (preempted.measure, preempted.value) == ("preemption_rate", 0.2)


def sku(description, usd):
    units, nanos = int(usd), round((usd - int(usd)) * 1e9)
    rate = billing_v1.PricingExpression.TierRate(
        unit_price={"currency_code": "USD", "units": units, "nanos": nanos}
    )
    return billing_v1.Sku(
        description=description,
        service_regions=["us-central1"],
        pricing_info=[
            billing_v1.PricingInfo(pricing_expression=billing_v1.PricingExpression(tiered_rates=[rate]))
        ],
    )


def test_list_prices_are_summed_from_two_pages_of_skus():
    """The unit prices are those of tests/discovery/test_prices.py."""
    skus = [
        sku("G2 Instance Core running in Americas", 0.024988),
        sku("G2 Instance Ram running in Americas", 0.002927),
        sku("Nvidia L4 GPU running in Americas", 0.56004),
    ]

    def page(_, query, __):
        if query.get("pageToken") == "more":
            return billing_v1.ListSkusResponse(skus=skus[2:])
        return billing_v1.ListSkusResponse(skus=skus[:2], next_page_token="more")

    with google(services__skus__list=page) as double:
        (price,) = ask_list_prices(double.clients(), ("g2-standard-8", "unknown-1"), REGIONS)
    assert (price.region, price.purchase) == ("us-central1", "on_demand")
    assert price.usd == pytest.approx(0.853608)
