"""CreateExportTask and its companions: what they write, and what they refuse."""

from __future__ import annotations

import gzip
import time

import pytest
from botocore.exceptions import ClientError

from strongroom.services.logs import exports
from strongroom.vocabulary import records


@pytest.fixture
def logs(serve):
    with serve() as installation:
        client = installation.client(service="logs")
        client.create_log_group(logGroupName="mine")
        yield client


def put(logs, stream, *messages, at=1_760_000_000_000):
    logs.create_log_stream(logGroupName="mine", logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": text} for number, text in enumerate(messages)]
    logs.put_log_events(logGroupName="mine", logStreamName=stream, logEvents=events)
    return now


def ended(logs, task_id):
    for _ in range(500):
        (task,) = logs.describe_export_tasks(taskId=task_id)["exportTasks"]
        if "completionTime" in task["executionInfo"]:
            return task
        time.sleep(0.02)
    raise AssertionError(task)


def code(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"]


def export(logs, **members):
    wanted = {"logGroupName": "mine", "fromTime": 0, "to": 1 << 50, "destination": "audit-bucket", **members}
    return logs.create_export_task(**wanted)["taskId"]


def test_an_export_has_every_event_of_every_stream(logs, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "EVENTS_OF_A_FILE", 2)
    first = put(logs, "a/b", "one", "two\nlines", "three")
    put(logs, "..", "dots")
    task = ended(logs, export(logs, taskName="all"))
    assert task["status"] == {"code": "COMPLETED", "message": "Completed successfully"}
    assert (task["taskName"], task["destination"], task["destinationPrefix"]) == ("all", "audit-bucket", "exportedlogs")
    root = tmp_path / "buckets" / "audit-bucket" / "exportedlogs"
    assert (root / "aws-logs-write-test").read_text() == "Permission Check Successful"
    written = {
        str(path.relative_to(root / task["taskId"])): gzip.decompress(path.read_bytes()).decode()
        for path in (root / task["taskId"]).rglob("*")
        if path.is_file()
    }
    assert sorted(written) == ["%2E%2E/000000.gz", "a%2Fb/000000.gz", "a%2Fb/000001.gz"]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(first / 1000)) + f".{first % 1000:03d}Z"
    assert written["a%2Fb/000000.gz"].startswith(f"{stamp} one\n")
    assert written["a%2Fb/000001.gz"].endswith(" three\n")
    assert all(path.stat().st_mode & 0o077 == 0 for path in root.rglob("*"))


def test_streams_and_times_choose_what_is_exported(logs, tmp_path):
    now = put(logs, "web-1", "early", "late")
    put(logs, "db-1", "other")
    task = ended(logs, export(logs, logStreamNamePrefix="web", to=now, destinationPrefix="deep/er"))
    found = list((tmp_path / "buckets/audit-bucket/deep/er" / task["taskId"]).rglob("*.gz"))
    assert [gzip.decompress(path.read_bytes()).decode().split(" ", 1)[1] for path in found] == ["early\n"]


@pytest.mark.parametrize(
    "members",
    [
        {"destination": "../outside"},
        {"destination": "UPPER"},
        {"destination": "a..b"},
        {"destinationPrefix": "../outside"},
        {"destinationPrefix": "/root"},
        {"destinationPrefix": "a//b"},
        {"fromTime": 5, "to": 4},
    ],
)
def test_places_and_times_that_are_none_are_refused(logs, tmp_path, members):
    assert code(lambda **given: export(logs, **given), **members) == "InvalidParameterException"
    assert not (tmp_path / "buckets").exists()


def test_what_is_not_there_is_told_from_what_is_over(logs):
    assert code(lambda: export(logs, logGroupName="missing")) == "ResourceNotFoundException"
    assert code(logs.cancel_export_task, taskId="none") == "ResourceNotFoundException"
    put(logs, "a", "event")
    task_id = export(logs)
    ended(logs, task_id)
    assert code(logs.cancel_export_task, taskId=task_id) == "InvalidOperationException"


def test_an_account_has_one_unfinished_task_and_can_cancel_it(logs, monkeypatch):
    put(logs, "a", "event")
    passing, real = [], exports.Exports._export

    def held(self, task, *rest):
        while not passing and task.task_id not in self._cancelled:
            time.sleep(0.01)
        real(self, task, *rest)

    monkeypatch.setattr(exports.Exports, "_export", held)
    task_id = export(logs)
    assert code(lambda: export(logs)) == "LimitExceededException"
    logs.cancel_export_task(taskId=task_id)
    assert ended(logs, task_id)["status"]["code"] == "CANCELLED"
    passing.append(True)
    second = export(logs)
    assert ended(logs, second)["status"]["code"] == "COMPLETED"
    listed = logs.describe_export_tasks(statusCode="CANCELLED")["exportTasks"]
    assert [task["taskId"] for task in listed] == [task_id]
    page = logs.describe_export_tasks(limit=1)
    assert [task["taskId"] for task in page["exportTasks"]] == [second]
    assert len(logs.describe_export_tasks(nextToken=page["nextToken"])["exportTasks"]) == 1


def test_a_bucket_that_cannot_be_written_fails_the_task(logs, tmp_path):
    (tmp_path / "buckets").write_text("in the way")
    put(logs, "a", "event")
    assert ended(logs, export(logs))["status"]["code"] == "FAILED"


def test_a_task_that_a_stop_interrupted_has_failed(serve, monkeypatch):
    with serve() as installation:
        logs = installation.client(service="logs")
        logs.create_log_group(logGroupName="mine")
        monkeypatch.setattr(exports.Exports, "_export", lambda *_: time.sleep(3600))
        task_id = export(logs)
    monkeypatch.undo()
    with serve() as installation:
        logs = installation.client(service="logs")
        (task,) = logs.describe_export_tasks(taskId=task_id)["exportTasks"]
        assert task["status"]["code"] == "FAILED"
        assert ended(logs, export(logs))["status"]["code"] == "COMPLETED"
        account = records.log_exports_prefix("111122223333")
        assert len(installation.logs.list(account, account + "~")) == 2
