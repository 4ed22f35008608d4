"""What is sent to CloudWatch Logs keeps to its limits; the receiver itself is in the integration tests."""

from __future__ import annotations

import hashlib
import json
import time

import pytest

from strongroom.forwarding.cloudwatch_logs import CloudWatchLogs, batches
from strongroom.forwarding.events import Event
from strongroom.forwarding.targets import CloudWatchLogsTarget, DeliveryFailed

MAX_BODY_BYTES = 1 << 20
MAX_EVENT_BYTES = 256 * 1024
NOW_US = int(time.time()) * 1_000_000


class Client:
    """Stands for botocore's; takes what keeps to the limits."""

    class exceptions:  # noqa: N801 - as botocore spells it
        ResourceAlreadyExistsException = ResourceNotFoundException = KeyError

    def __init__(self) -> None:
        self.calls: list[list[dict]] = []

    def create_log_group(self, **_names) -> None:
        pass

    create_log_stream = create_log_group

    def put_log_events(self, **members) -> dict:
        events = members["logEvents"]
        assert len(json.dumps(members)) <= MAX_BODY_BYTES
        assert all(len(event["message"].encode()) + 26 <= MAX_EVENT_BYTES for event in events)
        times = [event["timestamp"] for event in events]
        assert times == sorted(times)
        assert times[-1] - times[0] <= 86_400_000
        assert times[-1] <= time.time() * 1000
        self.calls.append(events)
        return {}


@pytest.fixture
def target():
    return CloudWatchLogsTarget(name="aws", group="group", region="us-east-1")


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def sender(target, client):
    sender = CloudWatchLogs(target)
    sender._client = client
    return sender


def event(sequence, text, time_us=NOW_US):
    shown = {"kind": "cloudtrail", "log": "trail", "sequence": sequence, "text": text}
    return Event("trail", sequence, time_us, "cloudtrail", json.dumps(shown, ensure_ascii=False))


@pytest.mark.parametrize("character", ["x", '"', "\\", "é", "\U0001f600"])
def test_calls_are_bounded_by_their_size_in_json(sender, client, character):
    sender.send([event(number, character * 25_000) for number in range(40)])
    found = [json.loads(each["message"])["sequence"] for call in client.calls for each in call]
    assert found == list(range(40))
    assert len(client.calls) > 1


@pytest.mark.parametrize("character", ["x", '"', "\\", "é", "\U0001f600"])
def test_an_event_that_is_too_large_is_cut_and_tells_so(sender, client, character):
    large = event(1, character * 500_000)
    sender.send([event(0, "before"), large, event(2, "after")])
    found = [json.loads(each["message"]) for call in client.calls for each in call]
    assert [each["sequence"] for each in found] == [0, 1, 2]
    content = large.text.encode()
    assert found[1]["cut"] == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert large.text.startswith(found[1]["beginning"])
    assert len(found[1]["beginning"].encode()) > 100_000


def test_times_that_step_back_or_are_to_come_are_sent_nevertheless(sender, client):
    hour = 3600 * 1_000_000
    times = [NOW_US - hour, NOW_US - 2 * hour, NOW_US + 48 * hour, 1 << 62, NOW_US - 48 * hour]
    sender.send([event(number, "", time_us) for number, time_us in enumerate(times)])
    assert [len(call) for call in client.calls] == [1, 1, 1, 1, 1]


def test_a_day_is_the_longest_that_a_call_spans():
    day = 86_400 * 1_000_000
    assert [len(batch) for batch in batches([event(number, "", number * day // 2) for number in range(4)])] == [2, 2]


@pytest.mark.parametrize("option", ["ca_file", "credentials_file"])
def test_a_local_file_that_is_missing_is_named(option, tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    members = {"name": "aws", "group": "group", "region": "us-east-1", option: str(path) + ".missing"}
    told = rf"file\.missing \(--{option.replace('_', '-')}\) cannot be read: No such file"
    with pytest.raises(DeliveryFailed, match=told):
        CloudWatchLogs(CloudWatchLogsTarget(**members))


def test_a_local_file_that_is_removed_later_is_named(tmp_path):
    path = tmp_path / "credentials"
    path.write_text("[default]\naws_access_key_id = A\naws_secret_access_key = B\n")
    target = CloudWatchLogsTarget(
        name="aws", group="g", region="us-east-1", endpoint_url="http://127.0.0.1:9", credentials_file=str(path)
    )
    sender = CloudWatchLogs(target)
    with pytest.raises(DeliveryFailed, match="did not take"):
        sender.send([event(0, "")])
    path.unlink()
    with pytest.raises(DeliveryFailed, match=r"\(--credentials-file\) cannot be read"):
        sender.send([event(0, "")])
