from __future__ import annotations

import pytest

from strongroom.aws.models import service_model
from strongroom.aws.validation import ValidationFailed, validate

MODEL = service_model("cloudhsmv2")
CLUSTER = "cluster-igklspoyj5v"


def complaint(operation, members) -> str:
    with pytest.raises(ValidationFailed) as caught:
        validate(MODEL.input_shape(operation), members)
    return str(caught.value)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("CreateCluster", {"HsmType": "hsm2m.medium", "SubnetIds": ["subnet-0123456789abcdef0"]}),
        (
            "CreateCluster",
            {
                "HsmType": "hsm2m.medium",
                "SubnetIds": ["subnet-01234567"],
                "TagList": [{"Key": "Größe /+-@", "Value": ""}],
            },
        ),
        ("DescribeClusters", {"Filters": {"states": ["ACTIVE"]}, "MaxResults": 25}),
        ("DescribeClusters", {}),
        ("DeleteHsm", {"ClusterId": CLUSTER, "EniIp": "127.1.2.3"}),
    ],
)
def test_good_requests_pass(operation, members):
    validate(MODEL.input_shape(operation), members)


def test_a_missing_member_is_named():
    assert complaint("DeleteCluster", {}) == (
        "1 validation error detected: Value null at 'clusterId' failed to satisfy constraint: Member must not be null"
    )


def test_every_violation_is_told():
    text = complaint("CreateCluster", {"HsmType": "big", "SubnetIds": ["subnet-01234567", "vpc-1"], "Mode": "FAST"})
    assert text.startswith("3 validation errors detected: Value 'big' at 'hsmType'")
    assert "Value 'vpc-1' at 'subnetIds.2.member'" in text
    assert (
        "Value 'FAST' at 'mode' failed to satisfy constraint: Member must satisfy enum value set: [FIPS, NON_FIPS]"
        in text
    )


@pytest.mark.parametrize(
    ("operation", "members", "text"),
    [
        ("DeleteCluster", {"ClusterId": "cluster-short"}, "regular expression pattern: cluster-[2-7a-zA-Z]{11,16}"),
        ("DeleteCluster", {"ClusterId": CLUSTER + "\n"}, "regular expression pattern"),
        ("DeleteCluster", {"ClusterId": "x" + CLUSTER}, "regular expression pattern"),
        (
            "DescribeClusters",
            {"MaxResults": 26},
            "Value '26' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 25",
        ),
        ("DescribeClusters", {"MaxResults": 0}, "value greater than or equal to 1"),
        ("DescribeClusters", {"NextToken": "x" * 257}, "Member must have length less than or equal to 256"),
        ("DescribeClusters", {"Filters": {"a b": []}}, "at 'filters.a b.key'"),
        ("DescribeClusters", {"Filters": {f"f{i}": [] for i in range(31)}}, "length less than or equal to 30"),
        ("CreateCluster", {"HsmType": "hsm2m.medium", "SubnetIds": []}, "length greater than or equal to 1"),
        ("CreateCluster", {"HsmType": "hsm2m.medium", "SubnetIds": [None]}, "Value null at 'subnetIds.1.member'"),
        ("TagResource", {"ResourceId": CLUSTER, "TagList": [{"Key": "", "Value": "v"}]}, "at 'tagList.1.member.key'"),
        (
            "TagResource",
            {"ResourceId": CLUSTER, "TagList": [{"Key": "a<b", "Value": "v"}]},
            "regular expression pattern",
        ),
        ("TagResource", {"ResourceId": CLUSTER, "TagList": [{"Key": "k"}]}, "Value null at 'tagList.1.member.value'"),
    ],
)
def test_each_constraint_is_checked(operation, members, text):
    assert text in complaint(operation, members)


def test_long_values_are_shown_in_part():
    text = complaint("InitializeCluster", {"ClusterId": CLUSTER, "SignedCert": "ä" * 20001, "TrustAnchor": "x"})
    assert text.startswith("2 validation errors detected")
    assert len(text) < 1000
