import pytest
import yaml

from gpuyard.errors import SpecError
from gpuyard.inputs import ArgsError
from gpuyard.kubernetes.existing import ExistingCluster


@pytest.fixture
def kubeconfig(tmp_path) -> str:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump({"contexts": [{"name": "kind-gpuyard"}]}), encoding="utf-8")
    return str(path)


def test_the_type_token_is_public_and_stable():
    assert getattr(ExistingCluster, "pulumi_type", None) == "gpuyard:index:ExistingCluster"


def test_a_cluster_alone_is_one_provider_for_its_context(preview, kubeconfig):
    plan = preview(lambda: ExistingCluster("local", {"context": "kind-gpuyard", "kubeconfig": kubeconfig}))
    assert plan.tree() == [" > ExistingCluster local", "local > kubernetes local-k8s"]
    inputs = plan.one("kubernetes").inputs
    assert (inputs["context"], inputs["kubeconfig"]) == ("kind-gpuyard", kubeconfig)
    assert inputs["enableServerSideApply"] == "true"
    assert plan.recording.messages == ()


def test_it_keeps_the_contract_of_clusters(preview, kubeconfig):
    seen = []

    def program():
        cluster = ExistingCluster(
            "local", {"context": "kind-gpuyard", "kubeconfig": kubeconfig, "storage_class": "fast"}
        )
        seen.append((cluster.platform, cluster.region, cluster.zones, cluster.storage_class))

    preview(program)
    assert seen == [("kubernetes", "", (), "fast")]


def test_a_missing_context_stops_before_any_resource(preview, kubeconfig):
    with pytest.raises(ArgsError, match="contexts: kind-gpuyard") as caught:
        preview(lambda: ExistingCluster("local", {"context": "prod", "kubeconfig": kubeconfig}))
    assert [detail["property_path"] for detail in caught.value.errors] == ["context"]


def test_a_preview_without_any_kubeconfig_is_made_with_a_warning(preview, tmp_path, monkeypatch):
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    plan = preview(lambda: ExistingCluster("local", {"context": "kind-gpuyard"}))
    ((severity, text),) = plan.recording.messages
    assert severity == "warning"
    assert 'the context "kind-gpuyard" cannot be found' in text
    assert "kubeconfig" not in plan.one("kubernetes").inputs


def test_contents_in_place_of_a_path_are_never_printed(preview):
    contents = "apiVersion: v1\nusers: [{name: a, user: {token: a-marker-not-a-token}}]\n"
    with pytest.raises(ArgsError) as caught:
        preview(lambda: ExistingCluster("local", {"context": "prod", "kubeconfig": contents}))
    assert "a path belongs here" in str(caught.value)
    assert "a-marker-not-a-token" not in repr(caught.value.findings)


def test_nodes_are_not_added_to_somebody_elses_cluster(preview, kubeconfig):
    def program():
        cluster = ExistingCluster("local", {"context": "kind-gpuyard", "kubeconfig": kubeconfig})
        cluster.gpu_pool("chat", {"machine_type": "g6.xlarge"})

    with pytest.raises(SpecError, match="gpuyard adds no nodes to it"):
        preview(program)


def test_a_deployment_without_any_kubeconfig_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: False)
    with pytest.raises(ArgsError, match="cannot be found"):
        ExistingCluster("local", {"context": "kind-gpuyard"})
