"""What of a request and a reply stands in a record, shown with models that have secrets, blobs and times."""

from __future__ import annotations

import pytest

from strongroom.aws.models import service_model
from strongroom.aws.validation import ValidationFailed, validate
from strongroom.services.cloudtrail.members import shown

KMS = service_model("kms")


def test_what_the_model_marks_sensitive_is_left_out():
    create = KMS.input_shape("CreateCustomKeyStore")
    members = {"CustomKeyStoreName": "mine", "KeyStorePassword": "correct-horse", "CloudHsmClusterId": "cluster-a"}
    assert shown(create, members, ()) == {"customKeyStoreName": "mine", "cloudHsmClusterId": "cluster-a"}
    decrypt = KMS.output_shape("Decrypt")
    assert shown(decrypt, {"KeyId": "key", "Plaintext": b"secret"}, ()) == {"keyId": "key"}


def test_what_a_service_names_is_left_out_at_any_depth():
    shape = KMS.output_shape("CreateKey")
    members = {"KeyMetadata": {"KeyId": "key", "Description": "secret", "Enabled": True}}
    assert shown(shape, members, {"Description"}) == {"keyMetadata": {"keyId": "key", "enabled": True}}


def test_names_times_and_blobs_are_written_as_aws_does():
    members = {"KeyMetadata": {"AWSAccountId": "111122223333", "KeyId": "key", "CreationDate": 1634233190.5}}
    assert shown(KMS.output_shape("CreateKey"), members, ()) == {
        "keyMetadata": {"aWSAccountId": "111122223333", "keyId": "key", "creationDate": "Oct 14, 2021, 5:39:50 PM"}
    }
    request = {"KeyId": "key", "CiphertextBlob": b"\x00\xff", "EncryptionContext": {"Name": "value"}}
    assert shown(KMS.input_shape("Decrypt"), request, ()) == {
        "ciphertextBlob": "AP8=",
        "encryptionContext": {"Name": "value"},
        "keyId": "key",
    }


def test_a_time_that_is_none_is_shown_as_it_came():
    shape = service_model("cloudtrail").input_shape("LookupEvents")
    assert shown(shape, {"StartTime": 1e300}, ()) == {"startTime": 1e300}


def test_no_error_shows_a_secret_that_a_service_names():
    shape = service_model("cloudhsmv2").input_shape("InitializeCluster")
    members = {"ClusterId": "cluster-aaaaaaaaaaa", "SignedCert": "secret\x00", "TrustAnchor": "anchor"}
    with pytest.raises(ValidationFailed) as caught:
        validate(shape, members, {"SignedCert"})
    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith("1 validation error detected: Value '***' at 'signedCert'")
    assert caught.value.member == "SignedCert"
