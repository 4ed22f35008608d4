"""``strongroom audit verify``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import msgspec
from cryptography import x509

from strongroom.audit.checkpoints import NotProven, load_certificates
from strongroom.audit.export import BrokenExport, CheckpointLine, Header, Line, lines_of, of_cluster, read_lines
from strongroom.audit.hsm_logs import HsmLog
from strongroom.audit.receipts import heads_of, read_head, read_receipt
from strongroom.audit.text import moment
from strongroom.audit.verify import HsmReport, Report, Seen
from strongroom.audit.verify import verify as verify_lines
from strongroom.cli.operator.commands.audit.counting import counted
from strongroom.cli.operator.commands.audit.opening import audit_logs, now, roots
from strongroom.cli.operator.commands.audit.options import cluster_option, json_option
from strongroom.cli.operator.refusals import FAILED, Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory
from strongroom.printable import printable
from strongroom.vocabulary.records import UNREADABLE, Checkpoint

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_UNDER_WAY_SECONDS: Final = 2
"""An entry has its time before it is committed: one that is so much older than an export was committed before it."""


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--live", is_flag=True, help="Check this installation's logs; with FILE, check FILE against them.")
@click.option("--trust-anchor", "anchors", type=_FILE, multiple=True, help="Hardware root certificate (PEM) to trust.")
@click.option("--receipt", "receipts", type=_FILE, multiple=True, help="What `strongroom audit receipt` wrote.")
@click.option("--head", "heads", multiple=True, metavar="HSM:ENTRY:HASH", help="A head that a receipt has printed.")
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, help="Checkpoint lines of another export.")
@cluster_option
@json_option
@state_option
@click.pass_context
def verify(
    context: click.Context,
    state: StateDirectory,
    file: Path | None,
    live: bool,
    anchors: tuple[Path, ...],
    receipts: tuple[Path, ...],
    heads: tuple[str, ...],
    checkpoints: tuple[Path, ...],
    cluster_id: str | None,
    as_json: bool,
) -> None:
    """Find whatever was removed, changed, moved or added in audit logs, and say up to where they are proven.

    Reads FILE, an export, and needs nothing else; with --live the logs of this installation. Proof reaches as far as
    the newest head that it is shown; without one, as far as each HSM's last checkpoint. Exit status 1 when a log
    breaks.

    \b
    Examples:
        strongroom audit verify --live
        strongroom audit verify audit.jsonl --receipt receipt.json
        strongroom audit verify audit.jsonl --trust-anchor hardware-root.pem
    """
    if file is None and not live:
        raise click.UsageError("Give an export to verify, or --live.")
    own_logs: list[HsmLog] | None = None
    trusted, seen = _brought(anchors, receipts, heads)
    kept = [checkpoint for path in checkpoints for checkpoint in _checkpoints(path)]
    with contextlib.ExitStack() as stack:
        lines: Iterator[Line]
        if live:
            look = stack.enter_context(audit_logs(state, cluster_id))
            own_roots = roots(state)
            trusted = trusted or _certificates(own_roots["hardware"].encode(), "the installation's hardware root")
            if file is not None:
                own_logs = look()
                seen += [Seen(head, "this installation") for head in heads_of(own_logs, _settled(file))]
            else:
                lines = lines_of(look(), now(), own_roots)
        if file is not None:
            lines = read_lines(stack.enter_context(file.open("rb")))
        if cluster_id is not None:
            # What was seen of other clusters is not asked for.
            seen = [each for each in seen if each.head.cluster_id in {"", cluster_id}]
            kept = [checkpoint for checkpoint in kept if checkpoint.cluster_id == cluster_id]
            lines = of_cluster(lines, cluster_id)
        report = verify_lines(counted(lines, "Verifying"), anchors=trusted, seen=seen, checkpoints=kept, live=own_logs)
    if cluster_id is not None and not report.hsms and report.holds:
        raise Refusal(
            f"there is no audit log of {cluster_id} in {file or state.root}", "see `strongroom audit receipt`"
        )
    # What an export says is somebody else's word.
    text = "\n".join(printable(line) for line in _text(report))
    click.echo(json.dumps(_values(report), indent=2) if as_json else text)
    if not report.holds:
        context.exit(FAILED)


def _brought(
    anchors: tuple[Path, ...], receipts: tuple[Path, ...], heads: tuple[str, ...]
) -> tuple[list[x509.Certificate], list[Seen]]:
    """What the verifier trusts: certificates and heads. A receipt has both; certificates that are given come first."""
    trusted = [certificate for path in anchors for certificate in _certificates(path.read_bytes(), str(path))]
    seen = []
    try:
        for path in receipts:
            receipt = read_receipt(path.read_bytes())
            seen += [Seen(head, f"the receipt of {receipt.made_at}") for head in receipt.heads]
            if not anchors:
                trusted += _certificates(receipt.roots.get("hardware", "").encode(), str(path))
        seen += [Seen(read_head(text), "the head that was given") for text in heads]
    except ValueError as error:
        raise Refusal(str(error)) from None
    return trusted, seen


def _settled(file: Path) -> int | None:
    """Before which time all that was written is in an export; ``None`` where it does not say when it was made."""
    try:
        with file.open("rb") as lines:
            header = next(read_lines(lines))
        made = datetime.fromisoformat(header.made_at).timestamp() if isinstance(header, Header) else None
    except (BrokenExport, ValueError, OverflowError):
        return None
    return None if made is None else int((made - _UNDER_WAY_SECONDS) * 1_000_000)


def _certificates(pem: bytes, name: str) -> list[x509.Certificate]:
    try:
        return load_certificates(pem)
    except NotProven as error:
        raise Refusal(f"{name}: {error}") from None


def _checkpoints(path: Path) -> list[Checkpoint]:
    """The checkpoint lines of a file; other lines of an export are passed over."""
    decoder = msgspec.json.Decoder(Line)
    try:
        with path.open("rb") as file:
            lines = (decoder.decode(text) for text in file if text.strip())
            values = (line.value for line in lines if isinstance(line, CheckpointLine))
            found = [msgspec.msgpack.decode(value, type=Checkpoint) for value in values]
    except UNREADABLE as error:
        raise Refusal(f"{path} does not hold lines of an export: {error}") from None
    if not found:
        raise Refusal(f"{path} holds no checkpoint")
    return found


def _values(report: Report) -> dict[str, object]:
    def hsm(found: HsmReport) -> dict[str, object]:
        return {
            "cluster_id": found.cluster_id,
            "hsm_id": found.hsm_id,
            "entries": found.entries,
            "checkpoints": found.checkpoints,
            "last_entry": found.last,
            "proven_to": found.proven,
            "proven_at": _time(found.proven_us) if found.proven is not None else None,
            "newest_head": found.head,
            "breaks": [{"sequence": each.sequence, "text": each.text} for each in found.breaks],
            "more_breaks": found.more_breaks,
        }

    return {
        "holds": report.holds,
        "trust_anchor_given": report.anchored,
        "hsms": [hsm(found) for found in report.hsms],
        "breaks": [{"hsm_id": each.hsm_id, "text": each.text} for each in report.breaks],
    }


def _text(report: Report) -> Iterator[str]:
    for hsm in report.hsms:
        cluster = hsm.cluster_id or "an unknown cluster"
        yield f"{hsm.hsm_id} of {cluster}: {hsm.entries:,} entries, {_many(hsm.checkpoints)}"
        for found in hsm.breaks:
            yield f"  BREAKS: {found.text}"
        if hsm.more_breaks:
            yield f"  BREAKS: {hsm.more_breaks:,} times more"
        if not hsm.breaks:
            yield from (f"  {line}" for line in _proof(hsm))
    for found in report.breaks:
        yield f"BREAKS: {found.text}"
    if not report.anchored:
        yield (
            "The certificates are those that the export brings along: whoever can replace it whole can forge it. Give "
            "--trust-anchor or --receipt."
        )
    if not report.hsms:
        yield "There is no audit log."
    yield "Nothing was removed, changed, moved or added." if report.holds else "The audit logs do not hold."


def _proof(hsm: HsmReport) -> Iterator[str]:
    if hsm.last is None:
        yield "nothing was written"
        return
    if hsm.proven is None:
        yield "no checkpoint yet: the HSM has not signed for any entry"
    else:
        yield f"proven up to entry {hsm.proven:#x}, by the checkpoint of {_time(hsm.proven_us)}"
    unsigned = hsm.last - (hsm.proven if hsm.proven is not None else -1)
    if unsigned:
        yield f"{unsigned:,} entries since are chained to it and not signed yet"
    if hsm.head is not None:
        yield f"holds what was seen elsewhere, up to entry {hsm.head:#x}"
    else:
        yield "no head was given: whether entries after the last checkpoint were cut off cannot be told"


def _many(checkpoints: int) -> str:
    return f"{checkpoints:,} checkpoint" + ("" if checkpoints == 1 else "s")


def _time(time_us: int) -> str:
    return moment(time_us, "seconds")
