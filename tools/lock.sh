#!/bin/sh
# Compile both locks from pyproject.toml, with hashes and without naming any place they were downloaded from.
# Usage: make lock            (as little change as possible)
#        make lock UPGRADE=--upgrade
# pip-tools is put into a throwaway folder outside the checkout; run this with the lowest Python of the classifiers.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools

python3 - "$work" <<'PYTHON'
import pathlib, sys, tomllib
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())
folder = pathlib.Path(sys.argv[1])
(folder / "dev.in").write_text("\n".join(project["dependency-groups"]["dev"]) + "\n")
(folder / "build.in").write_text("\n".join([*project["build-system"]["requires"], "editables"]) + "\n")  # hatchling's own need, for --editable
PYTHON
# rule-engine 5 (the rules of a later issue) needs python-dateutil ~= 2.7; so that no lock has to go back then.
echo "python-dateutil<3" >"$work/constraints.in"

header() { # what the lock is for; the rest is pip-compile's
    printf '# %s\n# Made by `make lock` from pyproject.toml with Python %s. Do not edit.\n' "$1" \
        "$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
}

compile() { # output, inputs and options…
    out=$1
    shift
    cp "$out" "$work/out.lock" 2>/dev/null || : >"$work/out.lock"
    "$work/venv/bin/pip-compile" --quiet --generate-hashes --no-strip-extras --allow-unsafe --no-header --no-annotate \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
        --no-config --constraint "$work/constraints.in" --output-file "$work/out.lock" "$@" ${UPGRADE:-}
}

compile requirements.lock --extra demo pyproject.toml "$work/build.in"
{ header "What a gateway and \`make demo\` run, and what installs this checkout (hatchling)."; cat "$work/out.lock"; } >"$work/run.lock"
compile requirements-dev.lock --extra demo --constraint "$work/run.lock" pyproject.toml "$work/build.in" "$work/dev.in"
{ header "requirements.lock and what \`make test\` needs besides."; cat "$work/out.lock"; } >"$work/dev.lock"

if grep -n "://" "$work/run.lock" "$work/dev.lock"; then
    echo "tools/lock.sh: a lock names a place on the network (above); nothing was written" >&2
    exit 1
fi
cp "$work/run.lock" requirements.lock
cp "$work/dev.lock" requirements-dev.lock
