"""Kubernetes objects of an endpoint: whole goldens, and the behaviour that they must keep."""

import pytest

from gpuyard.parsing import parse_spec
from gpuyard.serving import manifests
from gpuyard.serving.spec import EndpointSpec

CASES = {
    "vllm-one-gpu": {},
    "vllm-eight-gpus-scaled": {
        "gpus": 8,
        "platform": "gke",
        "context_tokens": 32_768,
        "weights_gib": 140,
        "replicas_min": 2,
        "replicas_max": 6,
        "spare_gpus": 8,
        "hugging_face_secret": "hugging-face",
        "api_key_secret": "chat-keys",
        "allowed_namespaces": ["gateway"],
        "node_selector": {"gpuyard-pool": "chat"},
        "prometheus_address": "http://monitoring-prometheus.monitoring.svc.cluster.local:9090",
        "pod_monitor": True,
    },
    "vllm-on-cpu": {"gpus": 0, "model": "org/tiny", "weights_gib": 1, "service_type": "NodePort"},
    "sglang-from-a-volume": {
        "runtime": "sglang",
        "gpus": 2,
        "weights_source": "pvc",
        "weights_claim": "models",
        "model": "/weights/own",
        "cache_persistent": True,
        "cache_storage_class": "fast",
    },
    "vllm-from-a-bucket": {
        "model": "s3://bucket/model",
        "weights_source": "s3",
        "service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/read"},
    },
    "tgi": {"runtime": "tgi", "drain_seconds": 90},
    "custom": {
        "runtime": "custom",
        "image": "registry.example/own:1",
        "args": ["--model", "m"],
        "port": 9000,
        "health_path": "/ready",
        "tolerations": [{"key": "team", "operator": "Equal", "value": "chat", "effect": "NoSchedule"}],
    },
}


def parse(**args):
    return parse_spec(EndpointSpec, {"name": "chat", "model": "org/model", "runtime_version": "", **args})


def objects(spec):
    """Every object of the endpoint as kubectl would take it."""
    kinds = [
        ("v1", "ServiceAccount", {"metadata": manifests.render_account_metadata(spec)}),
        ("apps/v1", "Deployment", manifests.render_deployment(spec)),
        ("v1", "Service", manifests.render_service(spec)),
        ("policy/v1", "PodDisruptionBudget", manifests.render_disruption_budget(spec)),
        ("networking.k8s.io/v1", "NetworkPolicy", manifests.render_network_policy(spec)),
    ]
    if spec.cache_persistent:
        kinds.append(("v1", "PersistentVolumeClaim", manifests.render_cache_claim(spec)))
    if spec.pod_monitor:
        kinds.append(("monitoring.coreos.com/v1", "PodMonitor", manifests.render_pod_monitor(spec)))
    if spec.scales:
        kinds.append(("keda.sh/v1alpha1", "ScaledObject", manifests.render_scaled_object(spec)))
    return [{"apiVersion": version, "kind": kind, **body} for version, kind, body in kinds]


def pinned(args):
    """The golden's version stands still when the catalog learns a newer one."""
    versions = {"vllm": "0.33.0", "sglang": "0.5.23", "tgi": "3.3.7", "custom": ""}
    return {**args, "runtime_version": versions[args.get("runtime", "vllm")]}


@pytest.mark.parametrize("case", CASES)
def test_the_objects_are_the_reviewed_ones(case, golden):
    assert objects(parse(**pinned(CASES[case]))) == golden


def pod_of(spec):
    return manifests.render_deployment(spec)["spec"]["template"]["spec"]


@pytest.mark.parametrize("case", CASES)
def test_selectors_meet_the_pods_labels_and_secrets_are_references(case):
    spec = parse(**CASES[case])
    deployment = manifests.render_deployment(spec)["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    selectors = [
        deployment["selector"]["matchLabels"],
        manifests.render_service(spec)["spec"]["selector"],
        manifests.render_disruption_budget(spec)["spec"]["selector"]["matchLabels"],
        manifests.render_network_policy(spec)["spec"]["podSelector"]["matchLabels"],
        manifests.render_pod_monitor(spec)["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    names = [variable["name"] for variable in pod_of(spec)["containers"][0]["env"]]
    assert len(names) == len(set(names))
    assert not pod_of(spec)["enableServiceLinks"]
    mounts = {mount["name"] for mount in pod_of(spec)["containers"][0]["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod_of(spec)["volumes"]}


def test_every_computed_path_that_the_engine_writes_to_is_a_volume():
    spec = parse()
    mounted = {mount["mountPath"] for mount in pod_of(spec)["containers"][0]["volumeMounts"]}
    assert set(spec.pod.writable_paths) <= mounted


def test_a_cpu_endpoint_asks_for_no_gpu():
    pod = pod_of(parse(gpus=0, weights_gib=1))
    assert "limits" not in pod["containers"][0]["resources"]
    assert "nvidia.com/gpu" not in pod["containers"][0]["resources"]["requests"]
    assert "tolerations" not in pod


def test_secrets_reach_the_container_by_reference_and_plain_values_never_replace_them():
    spec = parse(hugging_face_secret="hub", env={"HF_TOKEN": "no", "OTHER": "yes"})
    variables = {item["name"]: item for item in pod_of(spec)["containers"][0]["env"]}
    assert variables["HF_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "hub", "key": "token"}
    assert variables["OTHER"]["value"] == "yes"


def test_an_empty_answer_holds_the_replicas():
    spec = parse(replicas_max=3, prometheus_address="http://p:9090")
    scaled = manifests.render_scaled_object(spec)["spec"]
    assert scaled["triggers"][0]["metadata"]["ignoreNullValues"] == "false"
    assert scaled["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert scaled["minReplicaCount"] == 1


@pytest.mark.parametrize(
    ("args", "signals"),
    [
        ({}, ["requests_waiting", "kv_cache_used_ratio"]),
        ({"runtime": "sglang"}, ["requests_waiting", "kv_cache_used_ratio"]),
        ({"runtime": "tgi"}, ["requests_waiting"]),
        ({"runtime": "custom", "image": "own:1"}, ["requests_waiting"]),
    ],
)
def test_only_signals_that_the_engine_has_scale_it(args, signals):
    spec = parse(replicas_max=3, prometheus_address="http://p:9090", **args)
    queries = [item["metadata"]["query"] for item in manifests.render_scaled_object(spec)["spec"]["triggers"]]
    assert [query.split("{")[0] for query in queries] == [f"sum(gpuyard:{signal}" for signal in signals]


@pytest.mark.parametrize(
    ("args", "size"),
    [
        ({"weights_gib": 100}, "150Gi"),
        ({"weights_gib": 100, "cache_gib": 300}, "300Gi"),
        ({"weights_source": "pvc", "weights_claim": "m", "model": "/weights/m", "weights_gib": 100}, "20Gi"),
    ],
)
def test_the_cache_holds_the_weights_that_are_downloaded(args, size):
    (cache,) = [volume for volume in pod_of(parse(**args))["volumes"] if volume["name"] == "cache"]
    assert cache["emptyDir"]["sizeLimit"] == size


def test_an_8b_model_fits_the_smallest_gpu_machine():
    requests = pod_of(parse(weights_gib=15))["containers"][0]["resources"]["requests"]
    assert int(requests["cpu"]) < 4  # g6.xlarge and g2-standard-4
    assert int(requests["memory"].removesuffix("Gi")) <= 12


def test_prometheus_may_scrape_an_endpoint_that_few_may_call():
    (rule,) = manifests.render_network_policy(parse(allowed_namespaces=["a"], pod_monitor=True))["spec"][
        "ingress"
    ]
    assert rule["from"][0]["namespaceSelector"]["matchExpressions"][0]["values"] == ["a", "monitoring"]


def test_scaling_down_waits_at_least_as_long_as_a_start_takes():
    spec = parse(replicas_max=3, prometheus_address="http://p:9090", weights_gib=400)
    behaviour = manifests.render_scaled_object(spec)["spec"]["advanced"]["horizontalPodAutoscalerConfig"]
    assert behaviour["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= spec.startup_seconds


@pytest.mark.parametrize(
    ("args", "sources"),
    [
        ({}, [{"namespaceSelector": {}}]),
        ({"service_type": "LoadBalancer"}, None),
        (
            {"allowed_namespaces": ["a", "b"]},
            [
                {
                    "namespaceSelector": {
                        "matchExpressions": [
                            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}
                        ]
                    }
                }
            ],
        ),
    ],
)
def test_who_may_call_the_endpoint(args, sources):
    (rule,) = manifests.render_network_policy(parse(**args))["spec"]["ingress"]
    assert rule.get("from") == sources
    assert rule["ports"] == [{"port": "http", "protocol": "TCP"}]


@pytest.mark.parametrize(("replicas", "mode"), [(1, "ReadWriteOnce"), (2, "ReadWriteMany")])
def test_a_cache_for_several_replicas_is_shared(replicas, mode):
    claim = manifests.render_cache_claim(parse(cache_persistent=True, replicas_max=replicas))
    assert claim["spec"]["accessModes"] == [mode]
