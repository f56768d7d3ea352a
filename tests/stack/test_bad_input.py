"""What people get wrong, and what `plan` and `check` say: place, reason, way out, and no traceback."""

import json

import pytest
import yaml


def endpoint(**changes):
    return lambda deployment: deployment["endpoints"][0].update(changes)


def place(**changes):
    return lambda deployment: deployment["places"][0].update(changes)


@pytest.mark.parametrize("verb", ["plan", "check"])
def test_an_unknown_stack_lists_those_that_are_there(gpuyard, verb):
    code, said = gpuyard(verb, "-s", "prdo")
    assert code == 2
    assert 'did you mean "prod"?' in said
    assert "dev, local, prod, staging" in said


def test_without_a_name_the_stacks_are_listed(gpuyard):
    code, said = gpuyard("plan")
    assert code == 2
    assert "-s with one of: dev, local, prod, staging" in said


def test_a_file_that_is_no_yaml_is_named_with_its_line(gpuyard, project):
    project.file("dev").write_text("config:\n  gpuyard:deployment: [\n")
    code, said = gpuyard("plan", "-s", "dev")
    assert code == 2
    assert "stacks/Pulumi.dev.yaml" in said
    assert "YAML" in said


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (endpoint(modle="x"), ['endpoints[0].modle: there is no key "modle"', 'did you mean "model"?']),
        (endpoint(name="A_B"), ['endpoints[0].name: "A_B" is no name', "at most 40 lower-case letters"]),
        (lambda d: d["capacity"].update(end="never"), ['capacity.end: "never" is no day', "YYYY-MM-DD"]),
        (endpoint(replicas_min=-1), ["endpoints[0].replicas_min", "got int -1"]),
        (endpoint(model="Qwen/Qwen3-4"), ["MODEL_UNKNOWN", "config.json"]),
        (lambda d: d["capacity"].update(accelerators=["h1000"]), ["capacity.accelerators", "h100"]),
        (place(regions=["us-central9"]), ["us-central9", 'did you mean "us-central1"']),
        (lambda d: d.pop("places"), ["places: is required"]),
        (endpoint(env={"HF_TOKEN": "hf_" + "a" * 30}), ["SECRET_IN_PLAIN_TEXT", "endpoints[0].env.HF_TOKEN"]),
        (endpoint(context_tokens=-5), ["endpoints[0].context_tokens", "got int -5"]),
        (endpoint(context_tokens="8k"), ["endpoints[0].context_tokens", "got str '8k'"]),
        (endpoint(env={"DB_PASSWORD": 8154711}), ["endpoints[0].env.DB_PASSWORD: looks like a secret"]),
        *(
            (endpoint(args=[flag, "hf_aaa"]), ["endpoints[0].args[0]: looks like a secret"])
            for flag in ("--admin-api-key", "--api_key", "--ssl-keyfile-password")
        ),
        (endpoint(args=["--api-key hf_aaa"]), ["endpoints[0].args[0]: looks like a secret"]),
        (endpoint(model="meta-llama/Llama-3.1-405B"), ["fits on none of the", "[MEMORY_WEIGHTS]", "l4: "]),
        (endpoint(kv_cache_dtype="int8"), ['kv_cache_dtype: "int8" is not one', "known: auto"]),
        (place(project="acme"), ["places[0]", "6 to 30 lower-case letters"]),
        (endpoint(concurrency=4000), ["endpoints.chat.context_tokens", "[MEMORY_KV]"]),
    ],
)
def test_a_wrong_deployment_is_refused_with_place_and_remedy(gpuyard, project, change, expected):
    project.change("dev", change)
    code, said = gpuyard("plan", "-s", "dev")
    assert code == 2
    for part in expected:
        assert part in said
    assert "hf_aaa" not in said
    assert "8154711" not in said


def test_every_problem_is_told_at_once(gpuyard, project):
    def change(deployment):
        deployment["places"][0]["regions"] = ["mars-north1"]
        deployment["endpoints"][0]["concurrency"] = -4
        deployment["monitorin"] = {}

    project.change("dev", change)
    code, said = gpuyard("check", "-s", "dev")
    assert code == 2
    for part in ("mars-north1", "endpoints[0].concurrency", "monitorin"):
        assert part in said


def test_a_stack_without_a_lock_names_the_command_that_makes_one(gpuyard, project):
    project.lock("dev").unlink()
    code, said = gpuyard("plan", "-s", "dev")
    assert code == 2
    assert "LOCK_MISSING" in said
    assert "gpuyard lock -s dev" in said


def test_a_lock_for_another_demand_is_stale(gpuyard, project):
    project.change("dev", endpoint(concurrency=64))
    code, said = gpuyard("plan", "-s", "dev")
    assert code == 2
    assert "LOCK_STALE" in said


def test_a_region_that_does_not_sell_the_gpu_has_no_offering(gpuyard, project):
    def change(deployment):
        deployment["places"] = [{"cloud": "aws", "regions": ["eu-central-1"]}]
        deployment["capacity"]["accelerators"] = ["h200"]

    project.change("staging", change)
    code, said = gpuyard("lock", "-s", "staging")
    assert code == 2
    assert "DEMAND_UNMET" in said
    assert "not sold" in said


def test_days_without_quotes_are_days_whoever_reads_the_file(gpuyard, project):
    days = {"start_by": "2027-01-31 00:00:00 +0000 UTC", "end": "2027-03-01 00:00:00 +0000 UTC"}
    project.change("dev", lambda d: d["capacity"].update(days))  # as `pulumi config set` leaves them
    assert gpuyard("lock", "-s", "dev")[0] == 0
    assert gpuyard("check", "-s", "dev")[0] == 0
    text = project.file("dev").read_text()
    for written in days.values():
        text = text.replace(written, written[:10])
    project.file("dev").write_text(text)
    assert gpuyard("check", "-s", "dev")[0] == 0


def test_weights_on_a_claim_are_mounted(gpuyard, project):
    def change(deployment):
        deployment["endpoints"][0].update(
            model="/weights/my-model",
            weights_source="pvc",
            weights_claim="models",
            model_config_path="my.json",
        )

    shape = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "torch_dtype": "bfloat16",
    }
    (project.file("dev").parent / "my.json").write_text(json.dumps(shape))
    project.change("dev", change)
    assert gpuyard("lock", "-s", "dev")[0] == 0
    code, said = gpuyard("plan", "-s", "dev", "--format", "json")
    assert code == 0
    (deployment,) = [
        item for item in json.loads(said)["resources"] if item["type"] == "kubernetes:apps/v1:Deployment"
    ]
    pod = deployment["inputs"]["spec"]["template"]["spec"]
    assert {"claimName": "models", "readOnly": True} in [
        volume.get("persistentVolumeClaim") for volume in pod["volumes"]
    ]


def test_a_context_that_the_kubeconfig_lacks_is_an_error(gpuyard, project, tmp_path, monkeypatch):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps({"contexts": [{"name": "kind-gpuyards"}]}))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    code, said = gpuyard("check", "-s", "local")
    assert code == 1
    assert "KUBE_CONTEXT_MISSING" in said
    assert 'did you mean "kind-gpuyards"?' in said


def test_errors_among_the_findings_leave_no_plan(gpuyard, project):
    project.change("prod", endpoint(hugging_face_secret=""))
    code, said = gpuyard("plan", "-s", "prod", "--format", "json")
    document = json.loads(said)
    assert code == 1
    assert document["resources"] == []
    assert document["findings"][0]["code"] == "MODEL_GATED"


def test_an_accepted_finding_becomes_a_note_with_its_reason(gpuyard, project):
    reason = "a development stack may be away for ten minutes"
    project.change("dev", lambda d: d.update(accept=[{"code": "ROLLOUT_INTERRUPTS", "reason": reason}]))
    code, said = gpuyard("check", "-s", "dev", "--strict")
    assert code == 0
    assert f"(accepted: {reason})" in said


def test_replicas_that_nothing_measures_are_a_warning(gpuyard, project):
    project.change("prod", lambda d: d.update(monitoring={"enabled": False}))
    assert gpuyard("lock", "-s", "prod")[0] == 0
    code, said = gpuyard("check", "-s", "prod", "--strict")
    assert code == 1
    assert "SCALING_WITHOUT_METRICS" in said
    report = json.loads(gpuyard("report", "-s", "prod", "--format", "json", "--no-gates")[1])
    assert report["pools"][0]["nodes"] == "1", "no pool is sized, and no peak counted, for replicas that stay"


def test_outside_a_project_the_way_in_is_named(gpuyard, tmp_path_factory):
    code, said = gpuyard("plan", "--directory", str(tmp_path_factory.mktemp("elsewhere")))
    assert code == 2
    assert "Pulumi.yaml" in said


def test_an_endpoint_left_over_in_the_lock_is_a_finding_and_stops_nothing(project, gpuyard):
    lock = project.lock("prod")
    data = yaml.safe_load(lock.read_text())
    data["endpoints"]["old"] = data["endpoints"]["chat"]
    lock.write_text(yaml.safe_dump(data, sort_keys=False))
    for verb in ("plan", "check"):
        code, said = gpuyard(verb, "-s", "prod")
        assert code == 0, said
        assert "endpoints.old" in said
        assert "is left over: the stack has no such endpoint any more" in " ".join(said.split())
    code, said = gpuyard("drill", "stockout_here_until_then", "-s", "prod")
    assert code == 0, said
    assert "old:" not in said


def test_a_number_of_tokens_is_no_secret(gpuyard, project):
    project.change("local", endpoint(env={"MAX_INPUT_TOKENS": "4096", "VLLM_API_KEY": "$(KEY)"}))
    code, said = gpuyard("check", "-s", "local")
    assert code == 0, said
