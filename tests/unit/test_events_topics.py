"""The topic table: every topic spelled in one place, ids percent-encoded, and what central sends read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import topics
from gateway.events.ids import event_id
from gateway.events.sentences import SENTENCES, sentence, sentences

PREFIX, SITE = "tallyman/v1", "hall 1"
ids = st.text(min_size=1, max_size=12).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


def test_spelling() -> None:
    """Each kind of topic is spelled as the design's table says."""
    assert topics.event_topic(PREFIX, SITE, "receipt", "dock-1") == "tallyman/v1/hall%201/evt/receipt/dock-1"
    assert topics.lot_topic(PREFIX, SITE, "095", "C7/26+#") == "tallyman/v1/hall%201/state/lot/095/C7%2F26%2B%23"
    assert topics.location_topic(PREFIX, SITE, "cold-2") == "tallyman/v1/hall%201/state/location/cold-2"
    assert topics.gateway_topic(PREFIX, SITE, "gw") == "tallyman/v1/hall%201/state/gateway/gw"
    assert topics.device_topic(PREFIX, SITE, "th_1.a~") == "tallyman/v1/hall%201/state/device/th_1.a~"
    assert topics.down_filter(PREFIX, SITE) == "tallyman/v1/hall%201/down/#"
    assert topics.command_filter(PREFIX, SITE, "gw") == "tallyman/v1/hall%201/cmd/gw/+"
    assert topics.ack_topic(PREFIX, SITE, "gw") == "tallyman/v1/hall%201/ack/gw"


def test_local_part() -> None:
    """A topic of this site loses prefix and site; another site's is none of ours, even with a similar name."""
    assert topics.local_part(PREFIX, SITE, "tallyman/v1/hall%201/down/asn/A1") == "down/asn/A1"
    assert topics.local_part(PREFIX, SITE, "tallyman/v1/hall%2012/down/asn/A1") is None
    assert topics.local_part(PREFIX, SITE, "down/asn/A1") is None


@pytest.mark.parametrize(
    ("topic", "kind", "id_"),
    [
        ("down/asn/ASN%2F1", "asn", "ASN/1"),
        ("down/order/O1", "order", "O1"),
        ("down/commission/c", "commission", "c"),
        ("down/production/P%2F1", "production", "P/1"),
        ("down/hold/H1", "hold", "H1"),
        ("down/lot/09501101530003/C7%2F26", "lot", "09501101530003/C7/26"),
        ("down/policy", "policy", ""),
        ("down/asn/%FF", "asn", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_parse_down(topic: str, kind: str, id_: str) -> None:
    """Every down topic gives its kind and decoded id."""
    assert topics.parse_down(topic) == topics.Down(kind, id_)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("down", "'down' is not down/…"),
        ("", "'' is not down/…"),
        ("up/asn/1", "'up/asn/1' is not down/…"),
        (
            "down/asm/1",
            "'down/asm/1': unknown kind 'asm'; known are asn, commission, hold, lot, order, policy, production",
        ),
        ("down/asn", "'down/asn': down/asn takes 1 non-empty segments after it, not 0"),
        ("down/asn/", "'down/asn/': down/asn takes 1 non-empty segments after it, not 1"),
        ("down/lot/1", "'down/lot/1': down/lot takes 2 non-empty segments after it, not 1"),
        ("down/policy/x", "'down/policy/x': down/policy takes 0 non-empty segments after it, not 1"),
    ],
)
def test_parse_down_refuses(topic: str, reason: str) -> None:
    """What is no down topic is refused with the reason."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        topics.parse_down(topic)
    assert str(caught.value) == reason


def test_parse_command() -> None:
    """A command topic gives gateway and verb."""
    assert topics.parse_command("cmd/gw%201/alarms.ack") == ("gw 1", "alarms.ack")
    for wrong in ("cmd/gw", "cmd//x", "ack/gw/x", "cmd/a/b/c"):
        with pytest.raises(ValueError, match="is not cmd/"):
            topics.parse_command(wrong)


@given(site=ids, gtin=ids, lot=ids)
def test_any_id_survives_its_topic(site: str, gtin: str, lot: str) -> None:
    """Whatever characters ids hold, the topic has no wildcard, no extra level, and gives them back."""
    topic = topics.join(PREFIX, site, "down", "lot", gtin, lot)
    assert topic.isascii()
    assert not set("+#\0") & set(topic)
    local = topics.local_part(PREFIX, site, topic)
    assert local is not None
    assert topics.parse_down(local).id == f"{gtin}/{lot}"


def test_table_is_complete() -> None:
    """The table has each pattern once; what we publish as events is never retained, states always are."""
    patterns = [row.pattern for row in topics.TOPICS]
    assert len(patterns) == len(set(patterns))
    for row in topics.TOPICS:
        assert row.qos == 1
        assert row.retain == row.pattern.startswith(("state/", "down/"))


@given(st.tuples(ids, ids, ids, ids, st.integers(0, 2**63)))
def test_event_ids_are_version_5(parts: tuple[str, str, str, str, int]) -> None:
    """Any parts give a well-formed version 5 UUID, the same every time."""
    made = event_id(*parts)
    assert made == event_id(*parts)
    assert (len(made), made[14], made[19] in "89ab") == (36, "5", True)


def test_sentences() -> None:
    """Every code is a plain word and every sentence ends as one; an unknown code is named."""
    for code, text in SENTENCES.items():
        assert code.replace("_", "").isalpha()
        assert code == code.lower()
        assert text[0].isupper()
        assert text.endswith(".")
    assert sentence("nonsense") == "Reason 'nonsense' (not in the catalogue)."
    assert sentences(("short", "expired")) == f"{SENTENCES['short']} {SENTENCES['expired']}"


@pytest.mark.parametrize(
    "code",
    [
        "matched",
        "short",
        "over",
        "unknown_tag",
        "expired",
        "no_expectation",
        "already_received",
        "already_shipped",
        "on_hold",
        "direction_unknown",
        "wrong_door",
        "moved",
        "bad_document",
        "stale_version",
        "unknown_topic",
        "bad_command",
        "quarantined_input",
        "publish_refused",
        "empty_passage",
    ],
)
def test_promised_codes_have_sentences(code: str) -> None:
    """The codes that other parts of the gateway use are in the catalogue."""
    assert code in SENTENCES
