"""The query language of Logs Insights: what queries give, what is refused, and that both stay bounded."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.services.logs.events import EventLog, UsersEvent
from strongroom.services.logs.insights import commands
from strongroom.services.logs.insights.commands import TooMuch
from strongroom.services.logs.insights.query import parse
from strongroom.services.logs.insights.rows import Row
from strongroom.services.logs.insights.tokens import MalformedQuery
from strongroom.services.logs.insights.values import shown
from strongroom.services.logs.merging import merged
from strongroom.services.logs.streams import LogStream
from strongroom.storage.interface import Append, LogEntry, Transaction
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary.records import WrittenEvent

START_MS = 1_777_796_100_000
LOGIN = "Opcode : CN_LOGIN (0xd)\nResponse : 0:HSM Return: SUCCESS\nUser Name : alice"
FAILED = "Opcode : CN_LOGIN (0xd)\nResponse : 163:HSM Error: RET_USER_LOGIN_FAILURE\nUser Name : mallory"
KEY = "Opcode : CN_GENERATE_KEY (0x18)\nResponse : 0:HSM Return: SUCCESS"
DOCUMENT = json.dumps({"user": {"name": "bob", "roles": ["a", "b"]}, "ms": 12.5, "n": 3, "ok": True, "none": None})
MESSAGES = (LOGIN, FAILED, KEY, FAILED, DOCUMENT)
"""One each 100 s."""


def run(text: str, messages=MESSAGES, limit: int = 10_000) -> list[dict[str, str]]:
    """The rows of a query over messages."""
    store = MemoryStore()
    store.transact(
        Transaction(
            appends=tuple(
                Append(
                    "log",
                    LogEntry(
                        number,
                        (START_MS + number * 100_000) * 1000,
                        msgspec.msgpack.encode(WrittenEvent(message, START_MS)),
                    ),
                )
                for number, message in enumerate(messages)
            )
        )
    )
    stream = LogStream("web", 0, EventLog(store, "log", "key", UsersEvent))
    query = parse(text, limit)
    found = merged([stream], (0, 0), ((1 << 63) - 1, 0), reverse=True)
    rows = query.run((Row(one, "1:app") for one in found), lambda: None)
    return [{name: shown(value) for name in query.columns if (value := row.get(name)) is not None} for row in rows]


def test_a_limit_cuts_only_what_comes_out_at_the_end():
    many = ["x"] * 30 + ["User Name : alice"] + ["y"] * 30
    by_name = r"parse @message /User Name\s*: (?<u>\S+)/ | sort @timestamp desc"
    assert run(f"{by_name} | filter ispresent(u) | display u", many, limit=3) == [{"u": "alice"}]
    assert run(f"{by_name} | stats count(*) as n", many, limit=3) == [{"n": "61"}]
    assert run(f"{by_name} | dedup @message | stats count(*) as n", many, limit=3) == [{"n": "3"}]
    assert len(run(f"{by_name} | sort @timestamp asc | display @timestamp", many, limit=3)) == 3


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("fields @logStream, @log | limit 1", [{"@logStream": "web", "@log": "1:app"}]),
        ("fields @timestamp | sort @timestamp asc | limit 1", [{"@timestamp": "2026-05-03 08:15:00.000"}]),
        ("filter @message like /RET_USER/ | stats count(*) as n", [{"n": "2"}]),
        ('filter @message like "CN_LOGIN" and @message not like /mallory/ | stats count(*)', [{"count(*)": "1"}]),
        ('filter @message =~ "CN_GENERATE" or ispresent(ms) | stats count(*) as n', [{"n": "2"}]),
        (
            'parse @message "Opcode : * (*)" as op, code | filter ispresent(op) '
            "| stats count(*) as n by op | sort n desc",
            [{"op": "CN_LOGIN", "n": "3"}, {"op": "CN_GENERATE_KEY", "n": "1"}],
        ),
        (
            r"parse @message /User Name\s*: (?<u>\S+)/ | filter u in ['alice', 'mallory'] "
            "| stats count(*) by u | sort u",
            [{"u": "alice", "count(*)": "1"}, {"u": "mallory", "count(*)": "2"}],
        ),
        (
            "stats count(*) by bin(5m) | sort bin(5m)",
            [
                {"bin(5m)": "2026-05-03 08:15:00.000", "count(*)": "3"},
                {"bin(5m)": "2026-05-03 08:20:00.000", "count(*)": "2"},
            ],
        ),
        (
            "filter n = 3 | fields user.name as who, user.roles.1, ms * 2 as twice, ok",
            [{"who": "bob", "user.roles.1": "b", "twice": "25", "ok": "1"}],
        ),
        ("sort @timestamp desc | stats count(*) as n", [{"n": "5"}]),
        (
            r"parse @message /User Name\s*: (?<u>\S+)/ | sort @timestamp desc | filter u = 'alice' | display u",
            [{"u": "alice"}],
        ),
        ("filter ms > 12 and ms <= 12.5 and n != 4 | display n", [{"n": "3"}]),
        ("filter not ispresent(n) | stats count(*) as c", [{"c": "4"}]),
        (
            "filter n not in [1, 2] and ispresent(n) | display strlen(user.name) as l, toupper(user.name) as u",
            [{"l": "3", "u": "BOB"}],
        ),
        (
            "parse @message 'Opcode : * (' as op | dedup op | filter ispresent(op) | display op",
            [{"op": "CN_LOGIN"}, {"op": "CN_GENERATE_KEY"}],
        ),
        (
            r"parse @message /(?<code>\d+):HSM/ | stats sum(code) as s, avg(code) as a, "
            "min(code) as l, max(code) as h, count_distinct(code) as d",
            [{"s": "326", "a": "81.5", "l": "0", "h": "163", "d": "2"}],
        ),
        (
            r"parse @message /User Name : (?<u>.*)/ | stats earliest(u) as e, latest(u) as l",
            [{"e": "alice", "l": "mallory"}],
        ),
        ("filter @message like /nothing/ | stats count(*) as n", [{"n": "0"}]),
        ("filter @message like /nothing/ | stats count(*) as n by @logStream", []),
        (
            "fields n / 0 as a, 7 % 4 as b, -n as c, (1 + 2) * 3 as d | filter ispresent(c)",
            [{"b": "3", "c": "-3", "d": "9"}],
        ),
        ("# a comment\nfields `n` # another\n| filter ispresent(n)", [{"n": "3"}]),
        ("fields coalesce(nothing, 'x') as a, concat(@logStream, '-', 1) as b | limit 1", [{"a": "x", "b": "web-1"}]),
    ],
)
def test_queries(query, wanted):
    assert run(query) == wanted


def test_without_fields_the_default_columns_are_shown_newest_first():
    rows = run("limit 2")
    assert [set(row) for row in rows] == [{"@timestamp", "@message", "@logStream", "@log", "@ingestionTime"}] * 2
    assert rows[0]["@message"] == DOCUMENT
    assert len(run("fields @message", limit=3)) == 3


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("", (0, 1)),
        ("fields", (6, 7)),
        ("foo @message", (0, 3)),
        ("fields a b", (9, 10)),
        ("filter x like", (13, 14)),
        ('parse @message "*" as a, b', (15, 18)),
        ("parse @message /a/", (15, 18)),
        ("parse @message", (14, 15)),
        ("stats foo(x)", (6, 9)),
        ("limit x", (6, 7)),
        ("filter a like /(/", (14, 17)),
        ("fields nothing(a)", (7, 14)),
        ("fields strlen()", (7, 13)),
        ("filter (a = 1", (13, 14)),
        ("fields a |", (10, 11)),
        ("fields a as 1", (12, 13)),
        ("stats count(*) by bin(5x)", (22, 23)),
        ("sort", (4, 5)),
        ("filter a not b", (13, 14)),
        ("fields ;", (7, 8)),
        ("filter a like /x", (14, 16)),
        ("stats sum(*)", (10, 11)),
        ("limit 1.5", (6, 9)),
        ("filter a in b", (12, 13)),
    ],
)
def test_what_is_no_query_is_refused_with_its_place(query, place):
    with pytest.raises(MalformedQuery) as failure:
        parse(query)
    assert (failure.value.start, failure.value.end) == place


@pytest.mark.parametrize(
    "query",
    [
        "filter " + "(" * 5_000,
        "filter " + "-" * 5_000 + "1",
        "filter " + "not " * 2_000 + "a",
        "fields a" + " | fields a" * 900,
        "filter a in [" + "1," * 3_000,
    ],
)
def test_monsters_are_refused_or_read(query):
    with contextlib.suppress(MalformedQuery):
        parse(query)


_WORDS = st.sampled_from(
    [
        "fields",
        "filter",
        "stats",
        "sort",
        "parse",
        "limit",
        "dedup",
        "display",
        "|",
        ",",
        "(",
        ")",
        "[",
        "]",
        "a",
        "n",
        "@message",
        "like",
        "in",
        "not",
        "and",
        "=",
        "<",
        "+",
        "-",
        "*",
        "/a/",
        '"x*"',
        "3",
        "5m",
        "as",
        "by",
        "count",
        "bin",
        "desc",
        "ispresent",
    ]
)


@given(st.lists(_WORDS, max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_is_a_query_or_is_refused(text):
    try:
        run(text)
    except MalformedQuery as error:
        assert 0 <= error.start < error.end <= len(text) + 1


def test_what_needs_too_much_memory_is_refused(monkeypatch):
    monkeypatch.setattr(commands, "MOST_BYTES", 20_000)
    messages = [f'{{"n": {number}, "text": "{"x" * 500}"}}' for number in range(60)]
    for query in ("sort n", "stats count(*) by n", "dedup n", "stats count_distinct(n) as d, max(text) by n"):
        with pytest.raises(TooMuch):
            run(query, messages)
    assert len(run("sort n | limit 3", messages, limit=3)) == 3
