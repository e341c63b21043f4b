"""Every check of the OCI conformance suite, by its own name, over HTTP (distribution-spec, "dev" profile, sparse too).

A group of checks lives from what went before, as in the suite: a data set is pushed, listed, pulled and deleted. So a
group runs once, and each test asks what it found under one name.
"""

import pytest

from registry.tests.conformance.report import NAMES

pytestmark = pytest.mark.clients


def group(name: str) -> str:
    return name.partition("/")[0]


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in NAMES])
def test_conformance(report_of, name):
    errors = report_of(group(name)).errors
    assert name in errors, "nobody checked it"
    assert not errors[name]


def test_no_check_is_missing_and_none_has_a_name_of_its_own(report_of):
    checked = {name for each in dict.fromkeys(map(group, NAMES)) for name in report_of(each).errors}
    assert checked == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
