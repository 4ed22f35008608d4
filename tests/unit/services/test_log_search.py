"""Searching several audit logs page by page: nothing is lost or doubled, however pages and spans are cut."""

from __future__ import annotations

import audit_logs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.services.logs import events, filter_log_events
from strongroom.services.logs.events import LAST_PLACE, AuditEvent, EventLog
from strongroom.services.logs.patterns import compile_pattern
from strongroom.services.logs.streams import LogStream
from strongroom.storage.memory import MemoryStore


@pytest.fixture(autouse=True)
def _small_spans(monkeypatch):
    monkeypatch.setattr(events, "_SPAN", 5)
    monkeypatch.setattr(filter_log_events, "MOST_EXAMINED", 4)
    monkeypatch.setattr(filter_log_events, "MOST_EXAMINED_BYTES", 900)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 12), max_size=25), min_size=1, max_size=3),
    st.sampled_from(["mallory", "CN_DESTROY_OBJECT", "nothing_at_all", "CN_LOGIN SUCCESS", "%mallory%", ""]),
    st.booleans(),
    st.integers(1, 7),
)
def test_every_event_is_found_once_and_in_order(logs, text, reverse, limit):
    store = MemoryStore()
    streams = []
    for number, times in enumerate(logs):
        audit_logs.write(store, f"hsm-{number}", times)
        log = EventLog(store, f"audit/hsm-{number}", f"hsm-{number}", AuditEvent)
        streams.append(LogStream(f"hsm-{number}", 0, log))
    pattern = compile_pattern(text)
    found, cursor = [], None
    for _ in range(200):
        page, cursor = filter_log_events.search(
            streams, pattern, ((0, 0), LAST_PLACE), cursor, reverse=reverse, limit=limit
        )
        assert len(page) <= limit
        found += [(one.event.place[0], one.stream.name, one.event.place[1]) for one in page]
        if cursor is None:
            break
    wanted = [
        (event.place[0], stream.name, event.place[1])
        for stream in streams
        for event in stream.events.read((0, 0), LAST_PLACE)
        if pattern.matches(event.message)
    ]
    assert found == sorted(wanted, reverse=reverse)
