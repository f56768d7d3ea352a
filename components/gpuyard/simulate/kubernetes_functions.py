"""Answers of the Kubernetes provider's functions."""

from collections.abc import Mapping
from typing import Any

import yaml

from gpuyard.errors import EngineError
from gpuyard.simulate.lookup import Function, Lookup
from gpuyard.simulate.place import Place

Answer = Mapping[str, Any]


def _decode(args: Answer, place: Place, lookup: Lookup) -> Answer:  # noqa: ARG001
    """Documents of a YAML text, lists flattened, with the default namespace where one is given."""
    try:
        documents = [item for item in yaml.safe_load_all(args.get("text") or "") if item is not None]
    except yaml.YAMLError as error:
        raise EngineError(f"not valid YAML: {error}") from None
    objects = []
    for document in documents:
        if not isinstance(document, Mapping) or "kind" not in document or "apiVersion" not in document:
            raise EngineError("a document is no Kubernetes object: kind and apiVersion are required")
        is_list = str(document["kind"]).endswith("List") and isinstance(document.get("items"), list)
        objects += document["items"] if is_list else [document]
    namespace = args.get("defaultNamespace")
    if namespace:
        objects = [
            {**item, "metadata": {"namespace": namespace, **(item.get("metadata") or {})}} for item in objects
        ]
    return {"result": objects}


KUBERNETES_FUNCTIONS: Mapping[str, Function] = {"kubernetes:yaml:decode": _decode}
