"""Writes the Rust, Python and documentation forms of the tables in this folder.

Run as ``python tables/generate.py`` to write them and with ``--check`` to fail when one differs: each table has one
source, and a form that was edited by hand is an error.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from python_reference import python_reference

ROOT = Path(__file__).resolve().parent.parent
RUST = ROOT / "crates/wire/src/tables"
BOUNDARY = ROOT / "crates/boundary/src"
PYTHON = ROOT / "src/strongroom/vocabulary"
DOCS = ROOT / "docs/reference"

Row = dict[str, Any]


def rows(table: str) -> list[Row]:
    """The rows of ``tables/<table>s.toml``, checked for duplicate names and numbers."""
    found: list[Row] = tomllib.loads((ROOT / f"tables/{table}s.toml").read_text())[table]
    for column in ("name", "code"):
        values = [row[column] for row in found]
        twice = {str(value) for value in values if values.count(value) > 1}
        if twice:
            raise SystemExit(f"tables/{table}s.toml: {column} given twice: {', '.join(sorted(twice))}")
    return found


def camel(name: str) -> str:
    """``wrap_key`` and ``crypto-user`` become ``WrapKey`` and ``CryptoUser``."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def rust_header(source: str) -> str:
    return f"// Generated from tables/{source}s.toml by tables/generate.py; edit that file, then run `make tables`.\n\n"


def python_header(source: str, docstring: str) -> str:
    return (
        f'"""{docstring}\n\nGenerated from tables/{source}s.toml by tables/generate.py; '
        'edit that file, then run ``make tables``.\n"""\n\nfrom __future__ import annotations\n\n'
    )


def rust_enum(name: str, doc: str, repr_: str, members: list[tuple[str, int]]) -> str:
    body = "".join(f"    /// Number {code:#06x}.\n    {member} = {code:#06x},\n" for member, code in members)
    arms = "".join(f"            {code:#06x} => Some(Self::{member}),\n" for member, code in members)
    listed = "".join(f"        Self::{member},\n" for member, _ in members)
    return (
        f"/// {doc}\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr({repr_})]\n"
        f"pub enum {name} {{\n{body}}}\n\nimpl {name} {{\n"
        f"    /// Every member, in the order of the table.\n    pub const ALL: &'static [Self] = &[\n{listed}    ];\n\n"
        f"    /// The member with this number, if there is one.\n"
        f"    pub const fn from_code(code: {repr_}) -> Option<Self> {{\n        match code {{\n{arms}"
        f"            _ => None,\n        }}\n    }}\n\n"
        f"    /// The number of this member.\n    pub const fn code(self) -> {repr_} {{\n        self as {repr_}\n    }}\n"
    )


def rust_match(function: str, doc: str, result: str, arms: list[tuple[str, str]], default: str | None = None) -> str:
    body = "".join(f"            Self::{member} => {value},\n" for member, value in arms if value != default)
    if default is not None:
        body += f"            _ => {default},\n"
    return f"\n    /// {doc}\n    pub const fn {function}(self) -> {result} {{\n        match self {{\n{body}        }}\n    }}\n"


def attributes() -> dict[Path, str]:
    table = rows("attribute")
    members = [(camel(row["name"]), row["code"]) for row in table]
    rust = rust_header("attribute") + "use crate::tables::Kind;\n\n"
    rust += rust_enum("AttributeType", "A PKCS #11 attribute type (`CKA_*`).", "u64", members)
    rust += rust_match(
        "kind", "What values it takes.", "Kind", [(camel(r["name"]), f"Kind::{camel(r['kind'])}") for r in table]
    )
    rust += rust_match(
        "is_secret",
        "Key material: never readable and never in a record in clear.",
        "bool",
        [(camel(r["name"]), "true" if r.get("secret") else "false") for r in table],
        "false",
    )
    rust += rust_match(
        "name", "The PKCS #11 name.", "&'static str", [(camel(r["name"]), f'"CKA_{r["name"]}"') for r in table]
    )
    rust += rust_match(
        "cli_name", "The name in `cloudhsm-cli`.", "&'static str", [(camel(r["name"]), f'"{r["cli"]}"') for r in table]
    )
    rust += "}\n"
    python = python_header("attribute", "Attribute types of PKCS #11 and their spellings.")
    python += (
        'from enum import IntEnum\n\n\nclass Attribute(IntEnum):\n    """A PKCS #11 attribute type (``CKA_*``)."""\n\n'
    )
    python += "".join(f"    {r['name']} = {r['code']:#x}\n" for r in table)
    python += "\n\nCLI_NAMES: dict[Attribute, str] = {\n"
    python += "".join(f'    Attribute.{r["name"]}: "{r["cli"]}",\n' for r in table) + "}\n"
    python += '"""The spelling of ``cloudhsm-cli``."""\n\nKINDS: dict[Attribute, str] = {\n'
    python += "".join(f'    Attribute.{r["name"]}: "{r["kind"]}",\n' for r in table) + "}\n"
    python += '"""bool, ulong, bytes, text, bigint, date, template or mechanisms."""\n\nSECRET: frozenset[Attribute] = frozenset(\n    {\n'
    python += "".join(f"        Attribute.{r['name']},\n" for r in table if r.get("secret")) + "    }\n)\n"
    python += '"""Key material: never readable."""\n'
    docs = (
        "# Attributes\n\nThe PKCS #11 library answers three more by itself: `CKA_UNIQUE_ID` (`0x4`) of every object, and of its own "
        "objects `CKA_PROFILE_ID`\n(`0x601`) and `CKA_MECHANISM_TYPE` (`0x500`), see "
        "[ADR 0137](../adr/0137-profiles-and-mechanisms-are-objects-of-the-library.md).\n\n"
    )
    docs += "| PKCS #11 | Number | `cloudhsm-cli` | Kind | Secret |\n|---|---|---|---|---|\n"
    docs += "".join(
        f"| `CKA_{r['name']}` | `{r['code']:#x}` | `{r['cli']}` | {r['kind']} | {'yes' if r.get('secret') else ''} |\n"
        for r in table
    )
    return {RUST / "attributes.rs": rust, PYTHON / "attributes.py": python, DOCS / "attributes.md": docs}


FUNCTIONS = ["generate", "generate_pair", "sign", "recover", "encrypt", "wrap", "derive", "encapsulate", "digest"]


def fips_refused(row: Row) -> list[str]:
    """What a cluster of Mode FIPS refuses of a mechanism."""
    if "fips_refuses" in row:
        return [str(function) for function in row["fips_refuses"]]
    return [] if row["fips"] else [str(function) for function in row["does"]]


MECHANISMS_PAGE = """# Mechanisms

**Parts**: how data comes in parts (C_SignUpdate, C_EncryptUpdate and the like). *Any size*: as it comes, without limit.
*Stream*: any size too, AES-XTS up to 16 MiB; what fits one request (1 MiB less 4 KiB) is collected and done by any HSM, more
goes to one HSM as it comes ([ADR 0126](../adr/0126-streams.md)). *Collected*: at most what one request takes. A decryption
with a tag gives everything with the last call, so that nothing is seen of a plaintext whose tag does not fit. The profile
`aws` takes some in one part only, as AWS's library does.

**Keys**: `hmac` stands for the nine types of keys of one HMAC, `sha1-hmac` (`CKK_SHA_1_HMAC`) to `sha3-512-hmac`.

**AWS**: a slot of [profile `aws`](client-configuration.md#the-profile-aws) has it.

| PKCS #11 | Number | Does | Keys | Parameters | Parts | FIPS | AWS |
|---|---|---|---|---|---|---|---|
"""


def takes_stream(row: Row) -> bool:
    """Whether an HSM takes its data in a stream: what hashes, for keys that are bound to it."""
    return bool(row.get("stream") or "hash" in row)


def parts(row: dict[str, Any]) -> str:
    """How a mechanism that signs, encrypts or digests takes data in parts."""
    if not {"sign", "encrypt", "digest"} & set(row["does"]):
        return ""
    is_cut = "encrypt" in row["does"] and row["parameters"] in {"none", "iv", "ctr"} and row["keys"] != ["aes-xts"]
    is_hashed = "hash" in row or "digest" in row["does"] or row["keys"] == ["ml-dsa"]
    if is_cut or is_hashed:
        return "any size"
    return "stream" if takes_stream(row) else "collected"


HMAC_KEYS = [
    f"{name}-hmac"
    for name in ("sha1", "sha224", "sha256", "sha384", "sha512", "sha3-224", "sha3-256", "sha3-384", "sha3-512")
]
"""The types of keys that ``hmac`` stands for in the column ``keys``."""


def key_kinds(row: Row) -> list[str]:
    return [kind for name in row["keys"] for kind in (HMAC_KEYS if name == "hmac" else [name])]


def mechanism_rules(table: list[Row]) -> str:
    """What mechanisms can do, with what, and where: apart from their names and numbers."""
    rust = rust_header("mechanism") + "use crate::tables::{Function, KeyKind, MechanismType, ParameterKind};\n\n"
    rust += "impl MechanismType {"

    def listed(prefix: str, values: list[str]) -> str:
        return "&[" + ", ".join(f"{prefix}::{camel(value)}" for value in values) + "]"

    rust += rust_match(
        "functions",
        "What it can do.",
        "&'static [Function]",
        [(camel(r["name"]), listed("Function", r["does"])) for r in table],
    )
    rust += rust_match(
        "key_kinds",
        "The keys it works on.",
        "&'static [KeyKind]",
        [(camel(r["name"]), listed("KeyKind", key_kinds(r))) for r in table],
    )
    rust += rust_match(
        "parameter_kind",
        "The parameters it takes.",
        "ParameterKind",
        [(camel(r["name"]), f"ParameterKind::{camel(r['parameters'])}") for r in table],
        "ParameterKind::None",
    )
    rust += rust_match(
        "is_single_part",
        "Whether it takes no Update calls.",
        "bool",
        [(camel(r["name"]), "true" if r.get("single_part") else "false") for r in table],
        "false",
    )
    rust += rust_match(
        "is_stream",
        "Whether an HSM takes more data than a request has, in a stream.",
        "bool",
        [(camel(r["name"]), "true" if takes_stream(r) else "false") for r in table],
        "false",
    )
    rust += rust_match(
        "is_of_aws",
        "Whether the library of AWS has it.",
        "bool",
        [(camel(r["name"]), "true" if r.get("aws") else "false") for r in table],
        "false",
    )
    rust += rust_match(
        "key_sizes",
        "`ulMinKeySize` and `ulMaxKeySize` of `CK_MECHANISM_INFO`.",
        "(u64, u64)",
        [(camel(r["name"]), f"({r['sizes'][0]}, {r['sizes'][1]})") for r in table],
    )
    rust += rust_match(
        "fips_refused",
        "What a cluster of Mode FIPS refuses of it.",
        "&'static [Function]",
        [(camel(r["name"]), listed("Function", fips_refused(r))) for r in table],
        "&[]",
    )
    rust += rust_match(
        "is_fips_legacy",
        "Whether a cluster of Mode FIPS decrypts and verifies with it, and neither encrypts nor signs.",
        "bool",
        [(camel(r["name"]), "true" if r.get("fips_legacy") else "false") for r in table],
        "false",
    )
    return rust + "}\n"


def mechanisms() -> dict[Path, str]:
    table = rows("mechanism")
    names = {row["name"] for row in table}
    for row in table:
        unknown = set(row["does"]) - set(FUNCTIONS)
        if unknown or not {row.get(column, row["name"]) for column in ("hash", "raw", "same")} <= names:
            raise SystemExit(f"tables/mechanisms.toml: {row['name']}: unknown function or mechanism")
    members = [(camel(row["name"]), row["code"]) for row in table]
    rust = rust_header("mechanism")
    rust += rust_enum("MechanismType", "A PKCS #11 mechanism type (`CKM_*`).", "u64", members)

    for function, doc in (
        ("hash", "The digest that it runs over the data first."),
        ("raw", "The mechanism that signs that digest, or that it is another name for."),
    ):
        rust += rust_match(
            function,
            doc,
            "Option<Self>",
            [(camel(r["name"]), f"Some(Self::{camel(r[function])})" if function in r else "None") for r in table],
            "None",
        )
    rust += rust_match(
        "standard",
        "The mechanism that it is another number for, or itself.",
        "Self",
        [(camel(r["name"]), f"Self::{camel(r['same'])}" if "same" in r else "self") for r in table],
        "self",
    )
    rust += rust_match(
        "name", "The PKCS #11 name.", "&'static str", [(camel(r["name"]), f'"CKM_{r["name"]}"') for r in table]
    )
    rust += "}\n"
    python = python_header("mechanism", "Mechanism types of PKCS #11.")
    python += (
        'from enum import IntEnum\n\n\nclass Mechanism(IntEnum):\n    """A PKCS #11 mechanism type (``CKM_*``)."""\n\n'
    )
    python += "".join(f"    {r['name']} = {r['code']:#x}\n" for r in table)
    python += "\n\nFIPS_REFUSED: dict[Mechanism, frozenset[str]] = {\n"
    for row in table:
        refused = fips_refused(row)
        if refused:
            python += f"    Mechanism.{row['name']}: frozenset({sorted(refused)!r}),\n".replace("'", '"')
    python += (
        '}\n"""What a cluster of Mode FIPS refuses, by mechanism; a mechanism that is not here is allowed whole."""\n'
    )
    docs = MECHANISMS_PAGE
    for row in table:
        fips = "yes" if row["fips"] else "no"
        if "fips_refuses" in row:
            fips = f"no {', '.join(row['fips_refuses'])}"
        if row.get("fips_legacy"):
            fips = "decrypt only" if "encrypt" in row["does"] else "verify only"
        docs += (
            f"| `CKM_{row['name']}` | `{row['code']:#x}` | {', '.join(row['does'])} | {', '.join(row['keys'])} "
            f"| {row['parameters']} | {parts(row)} | {fips} | {'yes' if row.get('aws') else ''} |\n"
        )
    return {
        RUST / "mechanisms.rs": rust,
        RUST / "mechanism_rules.rs": mechanism_rules(table),
        PYTHON / "mechanisms.py": python,
        DOCS / "mechanisms.md": docs,
    }


def operations() -> dict[Path, str]:
    table = rows("operation")
    roles = {row["name"] for row in rows("role")}
    for row in table:
        if not set(row["roles"]) <= roles:
            raise SystemExit(f"tables/operations.toml: {row['name']}: unknown role")
        if (row["retry"] in {"create", "change"} or row["name"] == "login") and "opcode" not in row:
            raise SystemExit(f"tables/operations.toml: {row['name']}: a change or login without an audit opcode")
    members = [(camel(row["name"]), row["code"]) for row in table]
    rust = rust_header("operation") + "use crate::tables::{Lane, RetryClass, Role};\n\n"
    rust += rust_enum("Operation", "An operation of the data plane.", "u16", members)
    rust += rust_match(
        "lane",
        "The brain's lane for it; none for a hot operation.",
        "Option<Lane>",
        [(camel(r["name"]), f"Some(Lane::{camel(r['lane'])})" if "lane" in r else "None") for r in table],
        "None",
    )
    rust += rust_match(
        "retry_class",
        "Whether and how a client may repeat it.",
        "RetryClass",
        [(camel(r["name"]), f"RetryClass::{camel(r['retry'])}") for r in table],
    )
    rust += rust_match(
        "roles",
        "The roles that may call it; `Role::None` where no login is needed.",
        "&'static [Role]",
        [(camel(r["name"]), "&[" + ", ".join(f"Role::{camel(role)}" for role in r["roles"]) + "]") for r in table],
    )
    rust += rust_match(
        "name", "Its name in messages to people.", "&'static str", [(camel(r["name"]), f'"{r["name"]}"') for r in table]
    )
    rust += "}\n"
    python = python_header("operation", "Operations of the data plane.")
    python += "from dataclasses import dataclass\nfrom enum import IntEnum\n\nfrom strongroom.vocabulary.roles import Role\n\n\n"
    python += 'class Operation(IntEnum):\n    """An operation of the data plane."""\n\n'
    python += "".join(f"    {r['name'].upper()} = {r['code']:#06x}\n" for r in table)
    python += (
        "\n\n@dataclass(frozen=True, slots=True)\nclass OperationRule:\n"
        '    """How an operation is handled; the columns are explained in tables/operations.toml."""\n\n'
        "    path: str\n    lane: str | None\n    retry: str\n    narrowing: bool\n    opcode: tuple[str, int] | None\n"
        "    roles: frozenset[Role]\n\n\nRULES: dict[Operation, OperationRule] = {\n"
    )
    for row in table:
        lane = f'"{row["lane"]}"' if "lane" in row else "None"
        opcode = f'("{row["opcode"]["name"]}", {row["opcode"]["code"]:#x})' if "opcode" in row else "None"
        allowed = ", ".join(f"Role.{role.upper().replace('-', '_')}" for role in row["roles"])
        python += (
            f"    Operation.{row['name'].upper()}: OperationRule(\n"
            f'        path="{row["path"]}", lane={lane}, retry="{row["retry"]}", narrowing={row.get("narrowing", False)},\n'
            f"        opcode={opcode}, roles=frozenset({{{allowed}}}),\n    ),\n"
        )
    python += "}\n"
    docs = "# Operations of the data plane\n\n| Operation | Code | Path | Retry | Audited as | Roles |\n|---|---|---|---|---|---|\n"
    for row in table:
        audited = f"`{row['opcode']['name']} ({row['opcode']['code']:#x})`" if "opcode" in row else ""
        docs += f"| {row['name']} | `{row['code']:#06x}` | {row['path']} | {row['retry']} | {audited} | {', '.join(row['roles'])} |\n"
    return {RUST / "operations.rs": rust, PYTHON / "operations.py": python, DOCS / "operations.md": docs}


def roles() -> dict[Path, str]:
    table = rows("role")
    rust = rust_header("role")
    rust += rust_enum("Role", "The role of an HSM user.", "u8", [(camel(r["name"]), r["code"]) for r in table])
    rust += rust_match(
        "cli_name", "The name in `cloudhsm-cli`.", "&'static str", [(camel(r["name"]), f'"{r["cli"]}"') for r in table]
    )
    rust += "}\n"
    python = python_header("role", "Roles of HSM users.")
    python += (
        'from enum import IntEnum\n\n\nclass Role(IntEnum):\n    """The role of an HSM user (aws-cloudhsm 3.1)."""\n\n'
    )
    python += "".join(f"    {r['name'].upper().replace('-', '_')} = {r['code']}\n" for r in table)
    for column, doc in (("cli", "The spelling of ``cloudhsm-cli``."), ("audit", "The user type of an audit entry.")):
        python += f"\n\n{column.upper()}_NAMES: dict[Role, str] = {{\n"
        python += "".join(f'    Role.{r["name"].upper().replace("-", "_")}: "{r[column]}",\n' for r in table)
        python += f'}}\n"""{doc}"""\n'
    return {RUST / "roles.rs": rust, PYTHON / "roles.py": python}


WAYS = ["generate", "create", "unwrap"]
GIVEN = {"required", "optional", "match", "computed", "refused", "fixed", "admin"}
DEFAULTS = {"none", "false", "true", "empty", "zero"}
CHANGES = {"never", "owner", "lower", "raise", "admin", "copy"}


def class_rules() -> list[tuple[Row, list[Row]]]:
    """Each class of ``tables/object_classes.toml`` with its rules, in ascending order of attribute numbers."""
    table = tomllib.loads((ROOT / "tables/object_classes.toml").read_text())
    codes = {row["name"]: row["code"] for row in rows("attribute")}
    sets = {row["name"]: row["rules"] for row in table["set"]}
    found = []
    classes = {row["name"]: row for row in table["class"]}
    for own in table["class"]:
        row = {**classes[own["like"]], **own} if "like" in own else own
        rules: dict[str, Row] = {}
        for rule in [rule for name in row["sets"] for rule in sets[name]] + row["rules"]:
            full = {way: rule.get(way, rule.get("at")) for way in WAYS}
            full |= {"attribute": rule["attribute"], "change": rule["change"], "default": rule.get("default", "none")}
            full["generated"] = rule.get("generated", full["default"])
            known = all(full[way] in GIVEN for way in WAYS) and {full["default"], full["generated"]} <= DEFAULTS
            if rule["attribute"] not in codes or not known or full["change"] not in CHANGES:
                raise SystemExit(f"tables/object_classes.toml: {row['name']}: {rule['attribute']}: unknown word")
            rules[rule["attribute"]] = full
        found.append((row, sorted(rules.values(), key=lambda rule: codes[rule["attribute"]])))
    return found


def object_classes() -> dict[Path, str]:
    table = class_rules()
    rust = rust_header("object_classe") + "use strongroom_wire::AttributeType as A;\n\n"
    rust += "use super::rules::{Change as C, ClassRules, DefaultValue as D, Given as G, rule};\n"
    docs = (
        "# Object classes\n\nWhat a template may say when an object is generated, created (imported), or unwrapped or derived, the default, "
        "and who may change\nthe attribute later. The words are explained in `tables/object_classes.toml`. Attributes that are key "
        "material are never\nreadable; all others are, by whoever sees the object.\n"
    )
    for row, rules in table:
        name = row["name"].upper().replace("-", "_")
        key_type = f"Some({row['key_type']:#x})" if "key_type" in row else "None"
        rust += f"\n/// Objects of class `{row['name']}`.\npub static {name}: ClassRules = ClassRules {{\n"
        rust += f'    name: "{row["name"]}",\n    object_class: {row["object_class"]},\n    key_type: {key_type},\n'
        if "like" in row:
            rust += f"    rules: {row['like'].upper().replace('-', '_')}.rules,\n}};\n"
            docs += f"\n## {row['name']}\n\nAs [{row['like']}](#{row['like']}).\n"
            continue
        rust += "    rules: &[\n"
        docs += f"\n## {row['name']}\n\n| Attribute | Generate | Create | Unwrap, derive | Default | Change |\n|---|---|---|---|---|---|\n"
        for rule in rules:
            ways = ", ".join(f"G::{camel(rule[way])}" for way in WAYS)
            rust += (
                f"        rule(A::{camel(rule['attribute'])}, [{ways}], "
                f"[D::{camel(rule['default'])}, D::{camel(rule['generated'])}], C::{camel(rule['change'])}),\n"
            )
            default = "" if rule["default"] == "none" else rule["default"]
            if rule["generated"] != rule["default"]:
                default += f" ({rule['generated']} when generated)"
            docs += (
                f"| `CKA_{rule['attribute']}` | {rule['generate']} | {rule['create']} | {rule['unwrap']} "
                f"| {default} | {rule['change']} |\n"
            )
        rust += "    ],\n};\n"
    names = ", ".join(f"&{row['name'].upper().replace('-', '_')}" for row, _ in table)
    rust += f"\n/// Every class.\npub static ALL: &[&ClassRules] = &[{names}];\n"
    return {BOUNDARY / "attributes/classes.rs": rust, DOCS / "object-classes.md": docs}


def sdk() -> dict[Path, str]:
    return python_reference(DOCS / "python.md")


def formatted(path: Path, text: str) -> str:
    """The text as rustfmt or ruff would leave it, so that `make lint` and this script agree."""
    import subprocess

    if path.suffix == ".rs":
        command = ["rustfmt", "--edition", "2024", "--config-path", str(ROOT)]
    elif path.suffix == ".py":
        command = [str(Path(sys.executable).parent / "ruff"), "format", "--config", str(ROOT / "pyproject.toml"), "-"]
    else:
        return text
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> int:
    check = "--check" in sys.argv[1:]
    stale = []
    for produce in (attributes, mechanisms, operations, roles, object_classes, sdk):
        for path, text in produce().items():
            wanted = formatted(path, text)
            if path.exists() and path.read_text() == wanted:
                continue
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(wanted)
    if stale:
        print(("differs from its table: " if check else "written: ") + ", ".join(stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
