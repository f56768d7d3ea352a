"""Many problems as text: what is the same in many places stands once, with every place."""

from gpuyard.errors import Finding, Severity, SpecError, render_findings

FIELDS = "known fields: gpu, driver, model"


def _problem(path, message="there is no such field", fix="remove it", value=None):
    return Finding(severity=Severity.ERROR, code="X", path=path, message=message, fix=fix, value=value)


def test_one_problem_in_many_places_is_told_once_with_all_of_them():
    text = str(SpecError([_problem(f"[{index}].gpuu") for index in range(24)]))
    assert text.startswith(
        "error: [0].gpuu and 23 more: there is no such field  [X]\n  also: [1].gpuu, [2].gpuu"
    )
    assert all(f"[{index}].gpuu" in text for index in range(24))
    assert text.count("fix:") == 1


def test_few_places_stand_in_the_claim():
    assert render_findings([_problem("[0].a"), _problem("[1].a")]).startswith("error: [0].a, [1].a: there is")


def test_a_list_of_what_may_be_written_stands_once_at_the_end():
    found = [
        _problem("[0].gpuu", 'there is no field "gpuu"', f'did you mean "gpu"?  {FIELDS}'),
        _problem("[0].xyz", 'there is no field "xyz"', FIELDS),
    ]
    text = render_findings(found)
    assert text.count(FIELDS) == 1
    assert text.endswith(f"\n{FIELDS}")
    assert 'fix: did you mean "gpu"?\n' in text
    assert "fix: take one of the known fields below\n" in text
    assert render_findings(found[:1]).endswith(f'fix: did you mean "gpu"?  {FIELDS}')


def test_other_words_for_such_a_list_count_as_well():
    choices = "use one of name, percent, cloud"
    text = render_findings([_problem("a", "no key a", choices), _problem("b", "no key b", choices)])
    assert text.splitlines()[1::2] == ["  fix: take one of those below"] * 2
    assert text.endswith(choices)


def test_values_that_differ_are_told_with_their_places():
    found = [
        _problem(f"f.csv:{line}", f'"{line}x" is not a number', value=f"{line}x") for line in range(2, 7)
    ]
    text = render_findings(found)
    assert text.startswith('error: f.csv:2 and 4 more: "2x" is not a number')
    assert 'f.csv:6 "6x"' in text
    assert render_findings(found[:2]).count("is not a number") == 2


def test_other_fixes_are_other_problems_and_the_order_stays():
    found = [_problem("a", fix="one"), _problem("b", fix="two"), _problem("c", fix="one")]
    assert [line for line in render_findings(found).splitlines() if "fix" in line] == [
        "  fix: one",
        "  fix: two",
    ]


def test_what_a_terminal_would_obey_is_spelled_out():
    text = _problem("a\x1b[2J", f"\x00 {'x' * 10_000} is no word").render()
    assert "a\\x1b[2J: \\x00 x" in text
    assert len(text) < 200


def test_the_places_of_a_flood_are_counted():
    text = render_findings([_problem(f"f.csv:{line}") for line in range(30_000)])
    assert "f.csv:0 and 29,999 more" in text
    assert text.count("f.csv:") == 1000
    assert "and 29,000 more\n" in text
