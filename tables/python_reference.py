"""Writes docs/reference/python.md from the docstrings of ``strongroom.client``, by reading its source."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

CLIENT = Path(__file__).resolve().parent.parent / "src/strongroom/client"
SECTIONS = (
    ("Connecting", ["connecting.connect", "cluster.Cluster", "session.Session"]),
    ("Making and finding keys", ["keys.Keys", "keys.KeyPair", "templates.KeyOptions", "templates.MadeKeyOptions"]),
    (
        "Keys",
        [
            "key_handles.handle.HsmKey",
            "key_handles.wrapping.WrappingKey",
            "key_handles.wrapping.UnwrappingKey",
            "key_handles.secret.HsmAesKey",
            "key_handles.secret.HsmGenericSecret",
            "key_handles.pyca.NotExportablePrivateKey",
            "key_handles.rsa.HsmRsaPrivateKey",
            "key_handles.rsa.HsmRsaPublicKey",
            "key_handles.ec.HsmEcPrivateKey",
            "key_handles.ec.HsmEcPublicKey",
            "key_handles.ed25519.HsmEd25519PrivateKey",
            "key_handles.ed25519.HsmEd25519PublicKey",
            "key_handles.x25519.HsmX25519PrivateKey",
            "key_handles.x25519.HsmX25519PublicKey",
        ],
    ),
    ("Certificates", ["certificates.Certificates", "certificates.StoredCertificate"]),
    ("Users", ["users.Users", "messages.User", "messages.NamedUser"]),
    (
        "Quorum",
        [
            "quorum.Quorum",
            "approvals.QuorumToken",
            "approvals.Approval",
            "messages.PendingToken",
            "messages.QuorumTimeouts",
            "messages.QuorumValues",
            "messages.KeyQuorum",
        ],
    ),
    (
        "Objects, templates and mechanisms",
        [
            "objects.Objects",
            "messages.ObjectView",
            "messages.FoundObjects",
            "messages.MechanismParameters",
            "messages.CryptResult",
            "messages.HsmInformation",
        ],
    ),
    (
        "Words",
        ["object_kinds.KeyType", "object_kinds.ObjectClass", "object_kinds.Usage", "curves.NamedCurve", "digests.Hash"],
    ),
    (
        "Errors",
        [
            f"errors.{name}"
            for name in (
                *("ClientError", "ConfigurationError", "KeyNotFound", "AmbiguousKey", "NotExportable", "Refused"),
                *(
                    "ConnectionFailed",
                    "LoginFailed",
                    "LoginEnded",
                    "NotPermitted",
                    "SignatureInvalid",
                    "DecryptionFailed",
                ),
            )
        ],
    ),
)
HEAD = """# The Python SDK

Generated from the docstrings by tables/generate.py; [Use a cluster from Python](../how-to/python.md) shows how it is used.
Everything without a module's name before it is imported from `strongroom.client`; `Attribute` and `Mechanism` have the names of
[attributes](attributes.md) and [mechanisms](mechanisms.md), and `Role` is `CRYPTO_USER` or `ADMIN`.
"""
_Function = ast.FunctionDef


def python_reference(path: Path) -> dict[Path, str]:
    """The page, by the path that it gets."""
    exported = _exported()
    text = HEAD
    for title, names in SECTIONS:
        text += f"\n## {title}\n"
        for name in names:
            module, _, plain = name.rpartition(".")
            text += _rendered(_definition(module, plain), plain if plain in exported else f"strongroom.client.{name}")
    return {path: text}


def _exported() -> set[str]:
    tree = ast.parse((CLIENT / "__init__.py").read_text())
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)]
    return {str(element.value) for element in lists[0].elts if isinstance(element, ast.Constant)}


def _definition(module: str, name: str) -> ast.ClassDef | _Function:
    tree = ast.parse((CLIENT / (module.replace(".", "/") + ".py")).read_text())
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
    raise SystemExit(f"strongroom.client.{module} has no {name}")


def _rendered(node: ast.ClassDef | _Function, name: str) -> str:
    if isinstance(node, ast.FunctionDef):
        return f"\n### `{name}{_signature(node, method=False)}`\n\n{_prose(node)}\n"
    bases = [ast.unparse(base) for base in node.bases if ast.unparse(base) not in {"Exception"}]
    lines = [f"\n### `{name}`{' · ' + ', '.join(f'`{base}`' for base in bases) if bases else ''}\n", _prose(node), ""]
    lines += [f"- {item}" for item in _members(node)]
    return "\n".join(lines).rstrip() + "\n"


def _members(node: ast.ClassDef) -> Iterator[str]:
    documents = {
        id(before): _plain(after.value.value)
        for before, after in zip(node.body, node.body[1:], strict=False)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    }
    for member in node.body:
        told = documents.get(id(member), "")
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            if not member.target.id.startswith("_"):
                yield _item(f"{member.target.id}: {ast.unparse(member.annotation)}", told)
        elif isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name):
            if not member.targets[0].id.startswith("_"):
                yield _item(f"{member.targets[0].id} = {ast.unparse(member.value)}", told)
        elif isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
            is_property = any(ast.unparse(decorator) == "property" for decorator in member.decorator_list)
            returns = ast.unparse(member.returns) if member.returns else "None"
            head = f"{member.name}: {returns}" if is_property else member.name + _signature(member, method=True)
            yield _item(head, _prose(member))


def _item(head: str, told: str) -> str:
    return f"`{head}`" + (f"\\\n{textwrap.indent(told, '  ')}" if told else "")


def _signature(function: _Function, *, method: bool) -> str:
    arguments = function.args
    if method:
        arguments = ast.arguments(
            **{**{field: getattr(arguments, field) for field in arguments._fields}, "args": arguments.args[1:]}
        )
    returns = ast.unparse(function.returns) if function.returns else "None"
    return f"({ast.unparse(arguments)}) -> {returns}"


def _prose(node: ast.ClassDef | _Function) -> str:
    return _plain(ast.get_docstring(node) or "")


def _plain(text: str) -> str:
    text = re.sub(r":\w+:`\.?([^`]+)`", r"`\1`", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text)
