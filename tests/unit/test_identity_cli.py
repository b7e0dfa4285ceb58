"""`tallyman epc`: JSON lines with fixed keys, a table for people, stdin, exit codes."""

import json

import pytest
from click.testing import CliRunner

from gateway.cli.main import main

SGTIN = "3066C4409047E140075BCD15"
DSGTIN = "FB342CDE795211411234538566CB0AFC4"
KEYS = ["hex", "scheme", "uri", "digital_link", "ai", "filter", "error"]


def test_json_lines() -> None:
    """One object per EPC with the same keys in the same order; all sound: exit 0."""
    result = CliRunner().invoke(main, ["epc", "--json", SGTIN.lower(), DSGTIN, "cn-drug:81234567890123456789"])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [list(line) for line in lines] == [KEYS] * 3
    assert lines[0] == {
        "hex": SGTIN,
        "scheme": "sgtin-96",
        "uri": "urn:epc:id:sgtin:95060001343.05.123456789",
        "digital_link": "https://id.gs1.org/01/09506000134352/21/123456789",
        "ai": {"01": "09506000134352", "21": "123456789"},
        "filter": 3,
        "error": None,
    }
    assert lines[1]["ai"] == {"01": "79521141123453", "21": "32a/b", "17": "220630"}
    assert (lines[2]["scheme"], lines[2]["filter"]) == ("cn-drug", None)


def test_stdin_and_exit_1() -> None:
    """Without arguments each line of stdin is an EPC, empty ones are none; a bad one is a line too, and exit 1."""
    result = CliRunner().invoke(main, ["epc", "--json"], input=f"{SGTIN}\n\n  zz \n")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["error"] for line in lines] == [None, "'ZZ' holds something else than hexadecimal digits"]
    assert result.exit_code == 1


def test_bytes_that_are_no_text() -> None:
    """Bytes on stdin that are no UTF-8 are a bad line, not a crash."""
    result = CliRunner().invoke(main, ["epc", "--json"], input=b"\xff\xfe\n")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["scheme"] == "raw"
    argument = CliRunner().invoke(main, ["epc", "--json", b"\xff\xfe".decode(errors="surrogateescape")])
    assert (argument.exit_code, json.loads(argument.stdout)["hex"]) == (1, "??")


@pytest.mark.parametrize("arguments", [[SGTIN], [SGTIN, "E2" * 12]])
def test_table(arguments: list[str]) -> None:
    """People get a table with the elements, and the reason of what cannot be decoded."""
    result = CliRunner().invoke(main, ["epc", *arguments])
    assert "(01)09506000134352 (21)123456789" in result.stdout
    assert ("header 0xE2 is a TID" in result.stdout) == (len(arguments) > 1)
    assert result.exit_code == len(arguments) - 1


def test_usage() -> None:
    """An option that is none is exit 2."""
    assert CliRunner().invoke(main, ["epc", "--jason", SGTIN]).exit_code == 2
