"""What an HSM process writes to its log."""

import json
import subprocess
import sys

FAILING = """
import structlog
from strongroom.hsm.__main__ import _log_to_stderr

_log_to_stderr()

def fail(password):
    raise ValueError("no luck")

try:
    fail("correct horse")
except ValueError:
    structlog.get_logger().exception("commit failed", requests=1)
"""


def test_a_traceback_in_the_log_shows_no_values_of_variables():
    done = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, check=True)
    entry = json.loads(done.stderr)
    assert (entry["event"], entry["exception"][0]["exc_value"]) == ("commit failed", "no luck")
    assert [frame["name"] for frame in entry["exception"][0]["frames"]] == ["<module>", "fail"]
    assert "correct horse" not in done.stderr
