"""Quotas, lead times, throughputs and models as typed look-ups."""

import pytest

from gpuyard.catalog.hardware import find_machine_type, machine_types
from gpuyard.catalog.lead_times import find_lead_times, lead_times
from gpuyard.catalog.models import find_model, models
from gpuyard.catalog.names import UnknownName
from gpuyard.catalog.purchases import purchase_limit
from gpuyard.catalog.quotas import quota_use, quotas_of
from gpuyard.catalog.recipes import find_recipes
from gpuyard.catalog.search import find_entry, search_catalog
from gpuyard.catalog.throughput import find_throughputs, hosted_prices, throughputs


@pytest.mark.parametrize(
    ("machine", "is_spot", "codes"),
    [
        ("p5.48xlarge", False, ["L-417A185B"]),
        ("p5.48xlarge", True, ["L-C4BD4855"]),
        ("p4d.24xlarge", True, ["L-7212CCBC"]),
        ("gr6.4xlarge", False, ["L-DB2E81BA"]),
        ("g6.xlarge", True, ["L-3819A6DF"]),
        ("p6-b200.48xlarge", True, []),
        ("a3-highgpu-8g", False, ["GPUS_ALL_REGIONS", "GPUS-PER-GPU-FAMILY-per-project-region"]),
        ("a2-ultragpu-1g", False, ["GPUS_ALL_REGIONS", "NVIDIA_A100_80GB_GPUS"]),
    ],
)
def test_a_machine_counts_against_its_buckets(machine, is_spot, codes):
    assert [quota.code for quota in quotas_of(find_machine_type(machine), is_spot=is_spot)] == codes


def test_every_on_demand_gpu_machine_has_a_bucket():
    for machine in machine_types().values():
        assert quotas_of(machine, is_spot=False), machine.id
        assert quota_use(machine) > 0


def test_aws_counts_vcpus_and_google_counts_gpus():
    assert quota_use(find_machine_type("p5.48xlarge")) == 192
    assert quota_use(find_machine_type("a3-highgpu-8g")) == 8


def test_lead_times_keep_basis_source_and_date():
    assert len(lead_times()) == 78
    assert all(fact.basis and fact.source and fact.as_of for fact in lead_times())
    assert all(fact.p90_s is None or fact.p50_s is None or fact.p50_s <= fact.p90_s for fact in lead_times())


def test_measured_lead_times_come_first_and_percentiles_need_more_than_one_run():
    pulls = find_lead_times("image_pull")
    assert pulls[0].basis == "measured"
    assert {fact.is_percentile for fact in pulls} == {True, False}
    assert all((fact.samples or 0) > 1 for fact in pulls if fact.is_percentile)
    assert find_lead_times("no_such_phase") == ()


def test_throughputs_are_found_by_any_name_of_the_model():
    rows = find_throughputs("meta-llama/Llama-3.3-70B-Instruct", "h100-sxm")
    assert rows
    assert {row.gpu for row in rows} == {"h100-sxm"}
    assert rows == find_throughputs("Llama-3.3-70B", "h100-sxm")
    assert all(row.tokens_per_s_per_gpu > 0 and row.source and row.as_of for row in throughputs())


def test_latency_bound_rows_come_before_upper_bounds():
    bounds = [bool(row.latency_bound) for row in throughputs()]
    assert bounds == sorted(bounds, reverse=True)


def test_a_bare_a100_belongs_to_no_gpu():
    assert all(row.gpu is None for row in throughputs() if row.gpu_name == "A100")


def test_hosted_prices_are_positive():
    assert all(price.input_usd > 0 and price.output_usd > 0 for price in hosted_prices())


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B"),
        ("llama-3.1-8b", "meta-llama/Meta-Llama-3.1-8B"),
        ("OPENAI/GPT-OSS-120B", "openai/gpt-oss-120b"),
    ],
)
def test_models_are_found_without_owner_or_tuning_suffix(typed, model):
    assert find_model(typed).id == model


def test_every_model_is_whole_and_upper_bounds_are_not_verified():
    for model in models().values():
        assert model.params > 0, model.id
        assert 0 < model.active_params <= model.params, model.id
        assert model.layers > 0, model.id
        assert model.source, model.id
    assert not models()["moonshotai/Kimi-K3"].verified


def test_recipes_are_found_by_model_and_keep_their_source():
    recipes = find_recipes("Qwen/Qwen3-32B") or find_recipes("openai/gpt-oss-120b")
    assert recipes
    assert all(recipe.source and recipe.precision for recipe in recipes)
    assert find_recipes("nobody/no-such-model") == ()


def test_a_purchase_that_does_not_exist_has_its_reason():
    limit = purchase_limit("gcp", "a4-highgpu-8g", "on_demand")
    assert limit is not None
    assert "reservation" in limit.reason
    assert purchase_limit("aws", "p5.48xlarge", "spot") is None


def test_search_wants_every_word_and_ignores_case():
    hits = search_catalog("H100 gcp")
    assert {hit.id for hit in hits} >= {"a3-highgpu-8g", "a3-megagpu-8g"}
    assert all("aws" not in hit.summary.split(",")[0] for hit in hits)
    assert search_catalog("h100 no-such-word") == ()


def test_any_entry_is_found_by_name_and_a_typo_gets_hints_of_all_kinds():
    assert find_entry("l4").id == "l4"
    assert find_entry("p5.48xlarge").id == "p5.48xlarge"
    assert find_entry("gpt-oss-20b").id == "openai/gpt-oss-20b"
    with pytest.raises(UnknownName, match="openai/gpt-oss-20b"):
        find_entry("gpt-os-20b")
    with pytest.raises(UnknownName, match="it is a family"):
        find_entry("g6e")
