"""The repository keeps its own promises: what the documents draw is what the linter checks and what the code is."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
GENERATED = {".git", ".venv", "__pycache__", "dist", "build"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project: as git knows them, else (in an unpacked archive) all that is there."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        asked = [git, "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
        listed = subprocess.run(asked, capture_output=True, check=True).stdout.decode().split("\0")
        return tuple(path for name in listed if name and (path := ROOT / name).is_file())
    return tuple(
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not GENERATED & set(path.relative_to(ROOT).parts)
        and not path.relative_to(ROOT).parts[0].endswith("_cache")
    )


def python(*folders: str) -> list[Path]:
    """The Python files below some folders of the repository."""
    return [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


def project() -> dict[str, Any]:
    """The project file."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def layers() -> list[str]:
    """The layers of import-linter, top first, each as `a | b`."""
    (contract,) = (each for each in project()["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    return [layer for layer in contract["layers"] if layer != "__main__"]  # `python -m gateway` is the command line


def contains(pattern: str, among: list[Path]) -> list[str]:
    """Where a pattern occurs, as `file:line: text`."""
    wanted = re.compile(pattern.encode(), re.IGNORECASE)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.decode(errors='replace').strip()}"
        for path in among
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
        if wanted.search(line)
    ]


# ---------------------------------------------------------------------------------------------------- documents


def test_the_readme_is_short() -> None:
    """It is read in one sitting: 150 lines at most."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md"])
def test_the_layers_in_the_documents_are_the_linters(document: str) -> None:
    """The line `cli > app > …` of the documents is the layers contract, word for word."""
    text = re.sub(r"\s+", " ", (ROOT / document).read_text())
    assert " > ".join(layers()) in text, f"{document} does not show the layers of pyproject.toml"


def test_every_part_of_the_gateway_has_a_layer() -> None:
    """Nothing stands beside the house: each module and package of `gateway` is in the layers, and each layer exists."""
    named = {name.strip() for layer in layers() for name in layer.split("|")}
    there = {path.stem for path in (ROOT / "gateway").glob("*.py") if not path.stem.startswith("__")}
    there |= {path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py")}
    assert named == there


@pytest.mark.parametrize(
    "document", sorted(path.relative_to(ROOT).as_posix() for path in files() if path.suffix == ".md")
)
def test_documents_name_only_what_exists(document: str) -> None:
    """Links, paths in backquotes and names of tests in a document lead somewhere."""
    text = (ROOT / document).read_text()
    base = (ROOT / document).parent
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if link and not (base / link).exists()]
    inside = r"`((?:gateway|simulators|tests|docs|config|systemd|benchmarks|tools|\.ci)/[\w./-]*)`"
    missing += [path for path in re.findall(inside, text) if not (ROOT / path).exists()]
    tests = {name for path in python("tests") for name in re.findall(r"def (test_\w+)", path.read_text())}
    tests |= {path.stem for path in python("tests")}
    missing += [name for name in re.findall(r"`(test_\w+)`", text) if name not in tests]
    assert missing == []


def test_the_commands_in_the_readme_are_targets_of_make() -> None:
    """What the README says to type after `make` is there, and so are the five targets others rely on."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(
        re.findall(
            r"`?make ([a-z]+)\b",
            " ".join(re.findall(r"`[^`\n]+`|^    .*$|^make .*$", (ROOT / "README.md").read_text(), re.MULTILINE)),
        )
    )
    assert named <= targets
    assert {"demo", "test", "lint", "bench", "venv"} <= targets


# -------------------------------------------------------------------------------------------------------- sources


def test_every_test_states_its_claim() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in python("tests")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_only_the_supervisor_catches_everything() -> None:
    """`except Exception`, `except BaseException` and a bare `except` stand in gateway/supervisor.py alone."""
    broad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python("gateway")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or any(
                isinstance(each, ast.Name) and each.id in ("Exception", "BaseException") for each in ast.walk(node.type)
            )
        )
    ]
    assert {place.partition(":")[0] for place in broad} == {"gateway/supervisor.py"}


@pytest.mark.parametrize("folder", ["gateway", "simulators"])
def test_files_stay_small(folder: str) -> None:
    """A file does one thing: 450 lines at most, but for tables and the first migration, which are lists."""
    lists = {"gateway/ledger/tables.py", "gateway/ledger/migrations/versions/v0001_first_tables.py"}
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in python(folder)
        if (lines := len(path.read_bytes().splitlines())) > 450 and path.relative_to(ROOT).as_posix() not in lists
    }
    assert long == {}


def test_test_files_have_names_of_their_own() -> None:
    """No two test files share a name, so that a report names one."""
    names = [path.name for path in python("tests") if path.name.startswith("test_")]
    assert sorted(names) == sorted(set(names))


def test_nothing_is_skipped_for_want_of_a_package() -> None:
    """A skip on import would hide a missing oracle: what the tests need is in the lock."""
    assert contains(r"import[o]rskip\(", python("tests")) == []


def test_nothing_names_the_place_it_was_built_in() -> None:
    """No file names a package index host, a folder of the machine it was written on, or a tool of that place."""
    text = [path for path in files() if path.suffix not in {".gz", ".zst", ".bytes", ".png"}]
    # One letter of each in brackets, so that this file does not name them either.
    hosts = r"p[y]pi\.(org|python)|p[y]thonhosted|index-[u]rl https?|(trusted-[h]ost|find-l[i]nks)[ =]+\w+[./]"
    assert contains(hosts, text) == []
    assert contains(r"(?<![\w.])/w[o]rk/|/tmp/w[/]|iss[u]es show", text) == []


# ------------------------------------------------------------------------------------------------------- the project


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_have_hashes_and_name_no_place(lock: str) -> None:
    """Every requirement is one exact version with SHA-256 hashes; no URL, no option, no host. Extras are named.

    Without its extra in the lock, pip before 23.3 looks for the newest `coverage[toml]` and fails the day there is one.
    """
    text = (ROOT / lock).read_text()
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line and not line.startswith("#")]
    assert lines
    wrong = [
        line
        for line in lines
        if not re.fullmatch(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[\w.!+]+( ;.*?)? +(--hash=sha256:[0-9a-f]{64} *)+", line)
    ]
    assert wrong == []
    assert "://" not in text


def test_the_development_lock_holds_the_other() -> None:
    """Tests run against the very versions that a gateway runs."""
    pins = [set(re.findall(r"^([\w.,\[\]-]+==\S+)", (ROOT / lock).read_text(), re.MULTILINE)) for lock in LOCKS]
    assert pins[0] < pins[1]


def test_the_locks_hold_every_requirement() -> None:
    """Each name that pyproject.toml requires, for running, demo, build or development, is locked."""
    asked = project()
    running = asked["project"]["dependencies"] + asked["project"]["optional-dependencies"]["demo"]
    running += asked["build-system"]["requires"]
    for lock, required in zip(LOCKS, (running, running + asked["dependency-groups"]["dev"]), strict=True):
        locked = set(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", (ROOT / lock).read_text(), re.MULTILINE))
        names = {re.split(r"[\[<>=!~ ]", each)[0].lower().replace("_", "-") for each in required}
        assert names <= locked, lock


def test_classifiers_name_only_what_ran() -> None:
    """One version of Python ran; no other is claimed."""
    versions = [each for each in project()["project"]["classifiers"] if "Python :: 3" in each]
    assert versions == ["Programming Language :: Python :: 3.11"]


def test_the_wheel_holds_what_the_programs_read(tmp_path: Path) -> None:
    """A wheel, built without a network, has both packages with their data files, both commands, and the licence."""
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        inside = set(wheel.namelist())
        (commands,) = (name for name in inside if name.endswith(".dist-info/entry_points.txt"))
        entry_points = wheel.read(commands).decode()
    ours = [
        path.relative_to(ROOT).as_posix()
        for path in files()
        if path.relative_to(ROOT).parts[0] in ("gateway", "simulators")
    ]
    assert set(ours) <= inside
    assert any(name.startswith("gateway/ledger/migrations/versions/") for name in inside)
    assert "gateway/config/profiles.toml" in inside
    assert any(name.startswith("simulators/scenarios/") and name.endswith(".toml") for name in inside)
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert "tallyman = gateway.cli:main" in entry_points
    assert "tallyman-sim = simulators.cli:main" in entry_points


# -------------------------------------------------------------------------------------------------------------- CI


def test_ci_runs_make_test() -> None:
    """`.ci/run` is executable, says that it is CI, and runs what a developer runs."""
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert "export CI=true" in run.read_text()
    assert "make test" in run.read_text()


def test_ci_has_every_server() -> None:
    """In CI nothing that the tests talk to is missing; elsewhere those tests fail and say what to install."""
    done = subprocess.run(
        ["sh", "-c", f". {ROOT}/tools/servers.sh && missing"], capture_output=True, text=True, check=True
    )
    if os.environ.get("CI") == "true":
        assert done.stdout.split() == []
    else:
        assert set(done.stdout.split()) <= set((ROOT / "tools" / "servers.sh").read_text().split())


def test_every_test_that_the_documentation_names_exists() -> None:
    """A promise in docs/ is proved by a test of that name, or file of that path; none was renamed away."""
    pages = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
    code = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    there = {name for text in code.values() for name in re.findall(r"def (test_\w+)", text)}
    paths = {path.relative_to(ROOT).as_posix() for path in code}
    for page, text in pages.items():
        assert set(re.findall(r"`(test_\w+)`", text)) - there == set(), page
        assert set(re.findall(r"`(tests/[\w/]+\.py)`", text)) - paths == set(), page
