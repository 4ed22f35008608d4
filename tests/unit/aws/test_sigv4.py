"""The verifier against botocore's signer, AWS's own examples and requests that were tampered with."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from strongroom.aws.errors import AwsError
from strongroom.aws.request import HttpRequest
from strongroom.aws.sigv4 import Credential, Scope, SignatureVerifier, canonical_request, signing_key

ACCOUNT = "111122223333"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TEMPORARY_ID = "ASIAIOSFODNN7EXAMPLE"
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN/+=="
REGION = "us-east-1"
TARGET = "BaldrApiService.DescribeClusters"


def now() -> float:
    return datetime.now(UTC).timestamp()


def verifier(clock=now, *, region=REGION, names=("cloudhsm",), expires_at=None) -> SignatureVerifier:
    keys = {
        KEY_ID: Credential(KEY_ID, ACCOUNT, SECRET),
        TEMPORARY_ID: Credential(TEMPORARY_ID, ACCOUNT, SECRET, TOKEN, expires_at),
    }
    return SignatureVerifier(region=region, signing_names=names, lookup=keys.get, clock=clock)


def as_sent(request: AWSRequest) -> HttpRequest:
    """What a server sees of a request that botocore prepared."""
    prepared = request.prepare()
    url = urlsplit(prepared.url)
    headers = [
        (name.lower(), value if isinstance(value, bytes) else str(value).encode())
        for name, value in prepared.headers.items()
    ]
    headers.append(("host", url.netloc.encode()))
    body = prepared.body or b""
    return HttpRequest(
        prepared.method, url.path or "/", url.query, tuple(headers), body.encode() if isinstance(body, str) else body
    )


def signed(
    *,
    method="POST",
    url="http://127.0.0.1:8080/",
    body=b"{}",
    headers=None,
    params=None,
    token=None,
    secret=SECRET,
    key_id=None,
    service="cloudhsm",
    region=REGION,
    presigned=0,
) -> HttpRequest:
    given_headers = (
        {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"} if headers is None else headers
    )
    request = AWSRequest(method, url, headers=given_headers, data=body, params=params or {})
    credentials = Credentials(key_id or (TEMPORARY_ID if token else KEY_ID), secret, token)
    if presigned:
        SigV4QueryAuth(credentials, service, region, expires=presigned).add_auth(request)
    else:
        SigV4Auth(credentials, service, region).add_auth(request)
    return as_sent(request)


def change_header(request: HttpRequest, name: str, change) -> HttpRequest:
    headers = tuple((header, change(value) if header == name else value) for header, value in request.headers)
    return dataclasses.replace(request, headers=headers)


def without_header(request: HttpRequest, name: str) -> HttpRequest:
    return dataclasses.replace(request, headers=tuple(pair for pair in request.headers if pair[0] != name))


def with_header(request: HttpRequest, name: str, value: bytes) -> HttpRequest:
    return dataclasses.replace(request, headers=(*request.headers, (name, value)))


def refusal(request: HttpRequest, check: SignatureVerifier | None = None) -> AwsError:
    with pytest.raises(AwsError) as caught:
        (check or verifier()).verify(request)
    assert caught.value.status == 400
    assert SECRET not in str(caught.value)
    return caught.value


# -- what is right is let in --------------------------------------------------------------------------------------

header_names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: (
        name
        not in {
            "host",
            "date",
            "authorization",
            "user-agent",
            "connection",
            "expect",
            "content-length",
            "te",
            "transfer-encoding",
            "upgrade",
            "trailer",
            "keep-alive",
        }
        and not name.startswith("x-amz")
        and not name.startswith("proxy-")
        and not name.startswith("x-amzn")
    )
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
segments = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='/?#%\\[]^`{|}"<>'), max_size=10
)


@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(header_names, header_values, max_size=5),
    path=st.lists(segments, max_size=4),
    params=st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=20), max_size=4),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=40, max_size=40),
    has_token=st.booleans(),
)
def test_every_request_that_botocore_signs_is_let_in(body, headers, path, params, secret, has_token):
    params = {name: value for name, value in params.items() if not name.startswith("X-Amz-")}
    request = signed(
        url="http://127.0.0.1:8080/" + "/".join(path),
        body=body,
        headers={**headers, "X-Amz-Target": TARGET},
        params=params,
        secret=secret,
        token=TOKEN if has_token else None,
    )
    keys = {
        KEY_ID: Credential(KEY_ID, ACCOUNT, secret),
        TEMPORARY_ID: Credential(TEMPORARY_ID, ACCOUNT, secret, TOKEN, now() + 60),
    }
    check = SignatureVerifier(region=REGION, signing_names=["cloudhsm"], lookup=keys.get)
    identity = check.verify(request)
    assert identity.account == ACCOUNT
    assert identity.signing_name == "cloudhsm"
    assert check.verify(request) == identity


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_presigned_request_is_let_in(method, token):
    request = signed(method=method, body=b"", presigned=900, token=token, headers={"X-Amz-Target": TARGET})
    assert verifier().verify(request).account == ACCOUNT


def test_the_commas_of_the_header_need_no_spaces():
    request = change_header(signed(), "authorization", lambda value: value.replace(b", ", b","))
    assert verifier().verify(request).access_key_id == KEY_ID


def test_a_header_that_no_client_signs_does_not_matter():
    request = with_header(signed(), "x-amzn-trace-id", b"Root=1-2-3")
    assert verifier().verify(request).account == ACCOUNT


def test_the_declared_hash_of_the_body_is_checked_against_the_body():
    digest = hashlib.sha256(b"{}").hexdigest()
    headers = {"X-Amz-Target": TARGET, "X-Amz-Content-SHA256": digest}
    request = signed(headers=headers)
    assert verifier().verify(request).account == ACCOUNT
    error = refusal(dataclasses.replace(request, body=b'{"MaxResults":1}'))
    assert error.code == "InvalidSignatureException"


@pytest.mark.parametrize("declared", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0" * 64])
def test_a_body_without_its_true_hash_is_refused(declared):
    error = refusal(signed(headers={"X-Amz-Target": TARGET, "X-Amz-Content-SHA256": declared}))
    assert error.code == "InvalidSignatureException"


# -- AWS's own examples ----------------------------------------------------------------------------------------------

SUITE = Scope("20150830", "us-east-1", "service", "aws4_request")
SUITE_HEADERS = (("host", b"example.amazonaws.com"), ("x-amz-date", b"20150830T123600Z"))
SUITE_CLOCK = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()


def suite_verifier() -> SignatureVerifier:
    credential = Credential("AKIDEXAMPLE000000", ACCOUNT, SECRET)
    return SignatureVerifier(
        region="us-east-1", signing_names=["service"], lookup=lambda _: credential, clock=lambda: SUITE_CLOCK
    )


def suite_request(method: str, path: str, query: str, extra, signature: str) -> HttpRequest:
    headers = (*SUITE_HEADERS, *extra)
    names = ";".join(sorted({name for name, _ in headers}))
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE000000/{SUITE}, SignedHeaders={names}, Signature={signature}"
    )
    return HttpRequest(method, path, query, (*headers, ("authorization", authorization.encode())), b"")


# Signatures published with AWS's "Signature Version 4 Test Suite" (get-vanilla and following).
@pytest.mark.parametrize(
    ("method", "path", "query", "extra", "signature"),
    [
        ("GET", "/", "", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "//", "", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "//example//", "", (), "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        ("GET", "/./", "", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "/example/..", "", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/",
            "Param2=value2&Param1=value1",
            (),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("POST", "/", "", (), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "POST",
            "/",
            "",
            (("my-header1", b"VALUE1"),),
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
    ],
)
def test_the_published_examples_are_let_in(method, path, query, extra, signature):
    assert suite_verifier().verify(suite_request(method, path, query, extra, signature)).account == ACCOUNT


def test_header_values_are_trimmed_and_their_spaces_collapsed():
    request = HttpRequest("GET", "/", "", (*SUITE_HEADERS, ("a", b"  x   y \t z "), ("a", b"2")), b"")
    assert b"\na:x y z,2\n" in canonical_request(request, ["host", "x-amz-date", "a"], "")


def test_the_signing_key_is_the_documented_one():
    # The example of "Deriving the signing key" in AWS's General Reference.
    scope = Scope("20150830", "us-east-1", "iam", "aws4_request")
    assert signing_key(SECRET, scope).hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


# -- what was changed is refused -------------------------------------------------------------------------------------

TAMPERED = {
    "body": lambda request: dataclasses.replace(request, body=b'{"a":1}'),
    "method": lambda request: dataclasses.replace(request, method="PUT"),
    "path": lambda request: dataclasses.replace(request, path="/other"),
    "query": lambda request: dataclasses.replace(request, query="a=b"),
    "host": lambda request: change_header(request, "host", lambda _: b"127.0.0.1:8081"),
    "target": lambda request: change_header(request, "x-amz-target", lambda _: b"BaldrApiService.DeleteCluster"),
    "content type": lambda request: change_header(request, "content-type", lambda _: b"application/json"),
    "second value": lambda request: with_header(request, "content-type", b"application/json"),
    "signature": lambda request: change_header(
        request, "authorization", lambda value: value[:-1] + (b"0" if value[-1:] != b"0" else b"1")
    ),
}


@pytest.mark.parametrize("part", TAMPERED)
def test_a_changed_part_breaks_the_signature(part):
    error = refusal(TAMPERED[part](signed()))
    assert error.code == "InvalidSignatureException"
    assert error.message.startswith("The request signature we calculated does not match")


def test_another_secret_breaks_the_signature():
    assert refusal(signed(secret="x" * 40)).code == "InvalidSignatureException"


def test_a_target_that_was_added_after_signing_is_refused():
    request = with_header(signed(headers={}), "x-amz-target", b"BaldrApiService.DeleteCluster")
    error = refusal(request)
    assert (error.code, "x-amz-target" in error.message) == ("InvalidSignatureException", True)


@pytest.mark.parametrize("name", ["x-amz-security-token", "x-amz-meta"])
def test_every_amz_header_must_be_signed(name):
    assert refusal(with_header(signed(), name, b"x")).code in {
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target"])
def test_a_required_header_that_is_not_signed_is_refused(name):
    def drop(value: bytes) -> bytes:
        return value.replace(f";{name}".encode(), b"").replace(f"{name};".encode(), b"")

    error = refusal(change_header(signed(), "authorization", drop))
    assert error.code == "InvalidSignatureException"
    assert "must be a 'SignedHeader'" in error.message


def test_a_signed_header_that_is_missing_is_refused():
    assert refusal(without_header(signed(), "content-type")).code == "InvalidSignatureException"


@pytest.mark.parametrize("name", ["authorization", "host", "x-amz-date", "x-amz-target"])
def test_a_header_that_must_be_alone_is_refused_twice(name):
    request = signed()
    assert refusal(with_header(request, name, request.values(name)[0])).code == "IncompleteSignatureException"


@pytest.mark.parametrize(("region", "service"), [("eu-west-1", "cloudhsm"), (REGION, "kms")])
def test_a_request_for_another_region_or_service_is_refused(region, service):
    error = refusal(signed(region=region, service=service))
    assert (error.code, "Credential should be scoped" in error.message) == ("InvalidSignatureException", True)


def test_another_terminator_is_refused():
    error = refusal(
        change_header(signed(), "authorization", lambda value: value.replace(b"aws4_request", b"aws5_request"))
    )
    assert "valid terminator" in error.message


def test_a_scope_of_another_day_is_refused():
    today = datetime.now(UTC).strftime("%Y%m%d").encode()
    error = refusal(change_header(signed(), "authorization", lambda value: value.replace(today, b"20200101")))
    assert "Date in Credential scope does not match" in error.message


def test_a_presigned_request_is_refused_when_a_parameter_changes():
    request = signed(method="GET", body=b"", presigned=60)
    for old, new in [("X-Amz-Expires=60", "X-Amz-Expires=6000"), ("X-Amz-Signature=", "a=b&X-Amz-Signature=")]:
        assert (
            refusal(dataclasses.replace(request, query=request.query.replace(old, new))).code
            == "InvalidSignatureException"
        )


def test_a_presigned_parameter_that_occurs_twice_is_refused():
    request = signed(method="GET", body=b"", presigned=60)
    twice = dataclasses.replace(request, query=request.query + "&X-Amz-Expires=6000")
    assert refusal(twice).code == "IncompleteSignatureException"


@pytest.mark.parametrize("expires", [0, 604_801, "x", "-1", "1e3"])
def test_a_presigned_life_outside_one_second_to_a_week_is_refused(expires):
    request = signed(method="GET", body=b"", presigned=60)
    changed = dataclasses.replace(request, query=request.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}"))
    assert refusal(changed).code == "IncompleteSignatureException"


def test_a_request_signed_in_both_places_is_refused():
    presigned = signed(method="GET", body=b"", presigned=60)
    both = dataclasses.replace(signed(), query=presigned.query)
    assert refusal(both).code == "IncompleteSignatureException"


# -- time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [-299, 0, 299])
def test_a_clock_that_is_off_by_less_than_five_minutes_is_accepted(skew):
    assert verifier(lambda: now() + skew).verify(signed()).account == ACCOUNT


def test_an_old_signature_is_refused_with_the_times():
    error = refusal(signed(), verifier(lambda: now() + 302))
    assert error.code == "InvalidSignatureException"
    assert error.message.startswith("Signature expired: ")
    assert " is now earlier than " in error.message
    assert error.message.endswith(" - 5 min.)")


def test_a_signature_of_the_future_is_refused_with_the_times():
    error = refusal(signed(), verifier(lambda: now() - 302))
    assert error.message.startswith("Signature not yet current: ")
    assert error.message.endswith(" + 5 min.)")


def test_a_presigned_request_lives_as_long_as_it_says():
    request = signed(method="GET", body=b"", presigned=900)
    assert verifier(lambda: now() + 890).verify(request).account == ACCOUNT
    assert refusal(request, verifier(lambda: now() + 902)).message.startswith("Signature expired: ")


# -- keys and broken requests ----------------------------------------------------------------------------------------


def test_a_request_without_a_signature_is_refused():
    error = refusal(without_header(signed(), "authorization"))
    assert (error.code, error.message) == ("MissingAuthenticationTokenException", "Missing Authentication Token")


@pytest.mark.parametrize("key_id", ["AKIAIOSFODNN7UNKNOWN", "../account", "akia", "A" * 200])
def test_an_unknown_access_key_is_refused(key_id):
    error = refusal(
        change_header(signed(), "authorization", lambda value: value.replace(KEY_ID.encode(), key_id.encode()))
    )
    assert error.code in {"UnrecognizedClientException", "IncompleteSignatureException"}


def test_a_temporary_key_without_its_token_is_refused():
    assert refusal(signed(key_id=TEMPORARY_ID)).code == "UnrecognizedClientException"


def test_a_temporary_key_with_another_token_is_refused():
    assert refusal(signed(token="other")).code == "UnrecognizedClientException"


def test_a_temporary_key_past_its_end_is_refused():
    assert refusal(signed(token=TOKEN), verifier(expires_at=now() - 1)).code == "ExpiredTokenException"


def test_a_token_with_a_long_term_key_is_refused():
    assert refusal(signed(token=TOKEN, key_id=KEY_ID)).code == "UnrecognizedClientException"


@pytest.mark.parametrize(
    ("authorization", "text"),
    [
        (b"Basic dXNlcjpwYXNz", "Unsupported AWS 'algorithm'"),
        (b"AWS4-HMAC-SHA256", "requires 'Credential' parameter"),
        (b"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x", "exactly 5 slash-delimited elements"),
        (b"AWS4-HMAC-SHA256 Credential=a, Credential=b", "more than once"),
        (b"AWS4-HMAC-SHA256 SignedHeaders=host, Signature=x", "requires 'Credential' parameter"),
    ],
)
def test_a_broken_authorization_header_is_refused_and_says_why(authorization, text):
    error = refusal(change_header(signed(), "authorization", lambda _: authorization))
    assert error.code == "IncompleteSignatureException"
    assert text in error.message


@pytest.mark.parametrize("date", [b"yesterday", b"20261324T000000Z", b"2026-01-01T00:00:00Z"])
def test_a_date_of_another_form_is_refused(date):
    assert refusal(change_header(signed(), "x-amz-date", lambda _: date)).code == "IncompleteSignatureException"


def test_a_request_without_a_date_is_refused():
    assert refusal(without_header(signed(), "x-amz-date")).code == "IncompleteSignatureException"


@given(authorization=st.binary(max_size=200), query=st.text(max_size=100), date=st.binary(max_size=20))
def test_no_input_gets_more_than_a_refusal(authorization, query, date):
    headers = (("host", b"x"), ("x-amz-date", date), ("authorization", b"AWS4-HMAC-SHA256 " + authorization))
    refusal(HttpRequest("POST", "/", query, headers, b""))
