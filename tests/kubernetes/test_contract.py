"""The three clusters keep one contract, so that endpoints need not know which one they are on."""

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml

from gpuyard.aws.cluster import EksGpuCluster
from gpuyard.gcp.cluster import GkeGpuCluster
from gpuyard.kubernetes.contract import GpuCluster
from gpuyard.kubernetes.existing import ExistingCluster


def eks(_folder):
    return EksGpuCluster("main", {"region": "us-east-1", "zone_ids": ["use1-az1", "use1-az2"]})


def gke(_folder):
    return GkeGpuCluster("main", {"project": "example-llm", "region": "us-central1"})


def existing(folder):
    path = folder / "config"
    path.write_text(yaml.safe_dump({"contexts": [{"name": "mine"}]}), encoding="utf-8")
    return ExistingCluster("main", {"context": "mine", "kubeconfig": str(path)})


CLUSTERS = [(eks, "eks", "gp3"), (gke, "gke", "standard-rwo"), (existing, "kubernetes", "")]
KINDS = {
    "platform": str,
    "region": str,
    "zones": tuple,
    "storage_class": str,
    "cluster_name": pulumi.Output,
    "kubernetes_provider": kubernetes.Provider,
}


@pytest.mark.parametrize(("make", "platform", "storage_class"), CLUSTERS)
def test_a_cluster_has_everything_that_the_contract_names(preview, tmp_path, make, platform, storage_class):
    made = []
    preview(lambda: made.append(make(tmp_path)))
    (cluster,) = made
    assert set(GpuCluster.__annotations__) == set(KINDS)
    assert {key for key, kind in KINDS.items() if not isinstance(getattr(cluster, key), kind)} == set()
    assert callable(cluster.gpu_pool)
    assert (cluster.platform, cluster.storage_class) == (platform, storage_class)


@pytest.mark.parametrize(("make", "platform", "storage_class"), CLUSTERS)
def test_a_cluster_reaches_itself_by_an_explicit_provider(preview, tmp_path, make, platform, storage_class):
    plan = preview(lambda: make(tmp_path))
    assert plan.one("kubernetes").name == "main-k8s"
    made = [item for item in plan.recording.resources if item.custom and "providers" not in item.type]
    assert [item.name for item in made if item.provider is None] == []
