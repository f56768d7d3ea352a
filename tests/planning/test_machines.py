"""Machine types in order of what one replica costs, and why the others fell out."""

import pytest

from gpuyard.catalog.hardware import find_gpu, machine_types
from gpuyard.catalog.models import find_model
from gpuyard.catalog.prices import SpotPrice, on_demand, spot
from gpuyard.planning.machines import Verdict, rank_machines, thin_out


@pytest.fixture(scope="module")
def options():
    gpus = [find_gpu(name) for name in ("t4", "l4", "l40s", "h100", "b200")]
    return rank_machines(find_model("Llama-3.1-8B"), gpus)


def test_the_cheapest_comes_first_and_unknown_prices_last(options):
    prices = [option.usd_per_hour for option in options.found]
    known = [price for price in prices if price is not None]
    assert known == sorted(known)
    assert prices[len(known) :] == [None] * (len(prices) - len(known))
    assert None in prices


def test_prices_are_the_catalogs_lowest_with_region_source_and_date(options):
    for option in options.found:
        for price, look_up in ((option.on_demand, on_demand), (option.spot, spot)):
            if price is None:
                continue
            found = look_up(option.cloud, option.machine_type, price.region)
            assert found is not None
            assert price.usd == (found.p50 if isinstance(found, SpotPrice) else found.usd)
            assert (price.source, price.as_of) == (found.source, found.as_of)
            assert price.as_of


def test_every_machine_with_the_gpu_is_either_found_or_left_out(options):
    named = {f"{option.cloud} {option.machine_type}" for option in options.found}
    named |= {item.what for item in options.left_out}
    carriers = {
        f"{machine.cloud} {machine.id}"
        for machine in machine_types().values()
        if machine.gpu in ("l4", "h100-sxm") and machine.gpu_count >= 1
    }
    assert carriers <= named


def test_a_machine_says_how_many_replicas_it_holds(options):
    by_type = {option.machine_type: option for option in options.found}
    assert by_type["g6e.xlarge"].replicas_per_machine == 1
    assert by_type["p5.48xlarge"].replicas_per_machine == 8
    assert by_type["g2-standard-24"].replicas_per_machine == 1  # two L4 for one replica


def test_too_few_gpus_are_a_reason():
    found = rank_machines(find_model("Llama-3.1-70B"), [find_gpu("l4")], clouds=["gcp"])
    reasons = {item.what: item.reason for item in found.left_out}
    assert "one replica takes more" in reasons["gcp g2-standard-4"]


def test_a_model_too_large_for_one_machine_takes_several_and_pays_for_them():
    found = rank_machines(find_model("DeepSeek-R1"), [find_gpu("h100")], clouds=["aws"])
    option = next(option for option in found.found if option.machine_type == "p5.48xlarge")
    assert option.machines == 2
    assert option.replicas_per_machine == 0
    assert option.on_demand
    assert option.usd_per_hour == 2 * option.on_demand.usd


def test_a_machine_of_eight_is_used_before_one_of_sixteen():
    found = rank_machines(find_model("DeepSeek-R1"), [find_gpu("a100-40gb")], clouds=["gcp"])
    assert [(option.machines, option.machine_type) for option in found.found] == [(2, "a2-megagpu-16g")]
    both = rank_machines(find_model("Llama-3.1-70B"), [find_gpu("a100-40gb")], clouds=["gcp"])
    assert {"a2-highgpu-8g", "a2-megagpu-16g"} <= {option.machine_type for option in both.found}


def test_what_cannot_hold_it_says_why():
    found = rank_machines(find_model("Kimi-K3"), [find_gpu("t4"), find_gpu("l4")])
    reasons = {item.what: item.reason for item in found.left_out}
    assert "compute capability" in reasons["aws t4"]
    assert "too much before any cache" in reasons["aws l4"]
    assert found.found == ()


def test_a_gpu_that_no_cloud_rents_is_left_out_once():
    found = rank_machines(find_model("Llama-3.1-8B"), [find_gpu("rtx-4090")])
    assert [item.what for item in found.left_out] == ["rtx-4090"]
    assert found.left_out[0].reason.startswith(
        "no machine type of aws or gcp has it; 2 in a node of your own"
    )


def test_regions_limit_prices_and_what_is_sold():
    gpus = [find_gpu("h100")]
    here = rank_machines(find_model("Llama-3.1-8B"), gpus, clouds=["aws"], regions=["us-west-2"])
    assert {option.on_demand.region for option in here.found if option.on_demand} == {"us-west-2"}
    nowhere = rank_machines(find_model("Llama-3.1-8B"), gpus, clouds=["aws"], regions=["af-south-1"])
    assert all("regions asked for" in item.reason for item in nowhere.left_out)
    assert not nowhere.found


def test_a_judge_may_refuse_with_its_own_words():
    found = rank_machines(
        find_model("Llama-3.1-8B"),
        [find_gpu("h100")],
        judge=lambda fitted, gpu: Verdict(refusal=f"{gpu.id} is taken"),
    )
    assert not found.found
    assert {item.reason for item in found.left_out} == {"h100-sxm is taken"}


def test_one_line_per_cloud_and_gpu_is_left_when_thinned_out(options):
    thin = list(thin_out(options.found))
    assert len({(option.cloud, option.fit.gpu) for option in thin}) == len(thin) < len(options.found)
    assert thin[0] == options.found[0]


def test_the_cheapest_on_spot_stays_where_it_is_another(options):
    thin = list(thin_out(options.found, spot=True))
    assert set(thin) >= set(thin_out(options.found))
    for option in options.found:
        same = [other for other in thin if (other.cloud, other.fit.gpu) == (option.cloud, option.fit.gpu)]
        assert len(same) <= 2
        if option.spot is not None:
            least = min(other.spot.usd * other.machines for other in same if other.spot)
            assert least <= option.spot.usd * option.machines
