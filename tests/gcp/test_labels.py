import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gpuyard.gcp.labels import LABEL_LENGTH, to_labels


def test_tags_become_lower_case_with_hyphens():
    assert to_labels({"Team": "Search & Ads", "cost_center": "42"}) == {
        "team": "search---ads",
        "cost_center": "42",
    }


def test_an_empty_value_stays_empty():
    assert to_labels({"team": ""}) == {"team": ""}


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z]{0,70}", fullmatch=True), st.text(max_size=300), max_size=20)
)
def test_every_label_is_one_that_google_cloud_takes(tags):
    assume(len({key[:LABEL_LENGTH] for key in tags}) == len(tags))
    labels = to_labels(tags)
    assert len(labels) == len(tags)
    for key, value in labels.items():
        assert re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key)
        assert re.fullmatch(r"[a-z0-9_-]{0,63}", value)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True), st.just("x"), max_size=20))
def test_labels_stay_as_they_are(labels):
    assert to_labels(to_labels(labels)) == labels


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"1st": "x"}, "a key starts with a letter"),
        ({"": "x"}, "a key starts with a letter"),
        ({"Team": "a", "team": "b"}, 'both become the label "team"'),
        ({f"key{number}": "" for number in range(65)}, "65 tags; a resource takes 64"),
    ],
)
def test_tags_that_cannot_be_labels_are_refused(tags, reason):
    with pytest.raises(ValueError, match=reason):
        to_labels(tags)
