"""The reference page is the table of actions and the schema."""

import json
import re
from pathlib import Path

import pytest

from gpuyard.catalog.evidence_items import ITEM_TYPES
from gpuyard.discovery.actions import ACTIONS, actions_for, find_action, gcp_permissions, iam_policy
from gpuyard.discovery.reference import render_reference

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "components/gpuyard/discovery"


def test_the_reference_page_is_generated():
    assert (ROOT / "docs/reference/discovery.md").read_text(encoding="utf-8") == render_reference()


def test_the_page_has_every_permission_and_every_kind_of_record():
    page = render_reference()
    policy = re.search(r"```json\n(.*?)\n```", page, re.DOTALL)
    assert policy
    assert json.loads(policy.group(1)) == iam_policy()
    assert all(f"Items of `{question}`" in page for question in ITEM_TYPES)
    assert all(permission in page for permission in gcp_permissions())


def test_the_policy_only_reads():
    (statement,) = iam_policy()["Statement"]
    assert statement["Effect"] == "Allow"
    assert all(re.fullmatch(r"\w+:(Describe|Get|List)\w+", action) for action in statement["Action"])
    assert len(statement["Action"]) == len(actions_for("aws"))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.service}.{action.operation}")
def test_every_action_of_the_table_is_called_somewhere(action):
    """AWS operations are called by their Python names, Google's by their own."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", action.operation).lower()
    name = action.operation if action.cloud == "gcp" else snake
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((SOURCES / action.cloud).glob("*.py")))
    assert re.search(rf"[\"'.]{re.escape(name)}[\"'(]", text), name
    assert find_action(action.cloud, action.service, action.operation) is action
