"""What every test gets: patient property tests, and in CI no skip but those that a clone must have."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

IN_CI = os.environ.get("CI") == "true"

MAY_BE_ABSENT = ("shared/ is not part of a clone", "schema is not part of this project")
"""The reasons for which a test may be skipped in CI: recorded messages and the ratified schema are not ours to copy."""

# Tests share few cores and coverage slows them: a deadline would measure the machine. In CI a failure must be
# repeatable from its output alone.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, database=None)
hypothesis.settings.load_profile("ci" if IN_CI else "here")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command run in a test sets up logging for the whole process: the next test must not miss lines by that."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a test skipped for any other reason has failed: nothing is silently not tested there."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    allowed = hasattr(report, "wasxfail") or any(reason in str(report.longrepr) for reason in MAY_BE_ABSENT)
    if IN_CI and report.skipped and not allowed:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything must be there: {report.longrepr}"
    return report  # type: ignore[return-value]
