"""Every operation of the control API through boto3 and a real HTTP server: what it does, and what it refuses."""

from __future__ import annotations

import re
import threading
import time

import msgspec
import pytest
from botocore.exceptions import ClientError

from strongroom import services
from strongroom.services.cloudhsmv2 import delete_cluster
from strongroom.vocabulary.records import ClusterRecord, InitializeRecord, MembershipRecord
from strongroom.vocabulary.states import HsmHealth

SUBNETS = [f"subnet-0000000000000000{letter}" for letter in "abc"]
ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
MISSING = "cluster-aaaaaaaaaaa"
INVALID = "CloudHsmInvalidRequestException"
NOT_FOUND = "CloudHsmResourceNotFoundException"


def refused(code, call, text="", **members) -> str:
    """The message of a refusal with this error name."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert text in response["Error"]["Message"]
    return response["Error"]["Message"]


def described(client, cluster_id) -> dict:
    (cluster,) = client.describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"]
    return cluster


# -- CreateCluster -----------------------------------------------------------------------------------------------------


def test_create_cluster_makes_an_uninitialized_cluster_without_hsms(installation, client):
    reply = client.create_cluster(HsmType="hsm2m.medium", SubnetIds=SUBNETS[:2], TagList=[{"Key": "a", "Value": "b"}])
    cluster = reply["Cluster"]
    assert re.fullmatch("cluster-[a-z2-7]{11}", cluster["ClusterId"])
    assert re.fullmatch("sg-[0-9a-f]{17}", cluster["SecurityGroup"])
    assert cluster["State"] == "UNINITIALIZED"
    assert cluster["Mode"] == "FIPS"
    assert cluster["NetworkType"] == "IPV4"
    assert cluster["BackupPolicy"] == "DEFAULT"
    assert cluster["BackupRetentionPolicy"] == {"Type": "DAYS", "Value": "90"}
    assert cluster["SubnetMapping"] == {"us-east-1a": SUBNETS[0], "us-east-1b": SUBNETS[1]}
    assert cluster["VpcId"] == "vpc-0123456789abcdef0"
    assert (cluster["Hsms"], cluster["Certificates"]) == ([], {})
    assert cluster["TagList"] == [{"Key": "a", "Value": "b"}]
    assert "StateMessage" not in cluster
    assert abs(cluster["CreateTimestamp"].timestamp() - installation.clock()) < 60
    assert described(client, cluster["ClusterId"]) == cluster
    record = installation.stores.open(cluster["ClusterId"]).get("cluster")
    assert msgspec.msgpack.decode(record.value, type=ClusterRecord).account == ACCOUNT


def test_create_cluster_takes_a_mode_and_a_retention(client):
    policy = {"Type": "DAYS", "Value": "7"}
    reply = client.create_cluster(
        HsmType="hsm2m.medium", SubnetIds=SUBNETS[:1], Mode="NON_FIPS", BackupRetentionPolicy=policy
    )
    assert (reply["Cluster"]["Mode"], reply["Cluster"]["BackupRetentionPolicy"]) == ("NON_FIPS", policy)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"HsmType": "hsm1.medium"}, "Provided HsmType is not supported."),
        ({"HsmType": "large"}, "Member must satisfy regular expression pattern"),
        ({"HsmType": None}, "Value null at 'hsmType'"),
        ({"SubnetIds": []}, "Member must have length greater than or equal to 1"),
        ({"SubnetIds": None}, "Value null at 'subnetIds'"),
        (
            {"SubnetIds": ["subnet-ffffffffffffffff0"]},
            "Subnets do not exist: subnet-ffffffffffffffff0. The subnets here",
        ),
        ({"SubnetIds": [SUBNETS[0], SUBNETS[0]]}, "one subnet for each Availability Zone"),
        ({"Mode": "FAST"}, "enum value set: [FIPS, NON_FIPS]"),
        ({"NetworkType": "DUALSTACK"}, "NetworkType must be IPV4"),
        ({"SourceBackupId": "backup-aaaaaaaaaaa"}, "not supported yet by this Strongroom version"),
        ({"BackupRetentionPolicy": {"Type": "DAYS", "Value": "6"}}, "between 7 and 379"),
        ({"BackupRetentionPolicy": {"Type": "DAYS", "Value": "380"}}, "between 7 and 379"),
        ({"BackupRetentionPolicy": {"Type": "DAYS"}}, "needs both Type"),
        ({"BackupRetentionPolicy": {"Type": "WEEKS", "Value": "10"}}, "enum value set: [DAYS]"),
    ],
)
def test_create_cluster_refuses(client, members, text):
    wanted = {"HsmType": "hsm2m.medium", "SubnetIds": SUBNETS, **members}
    refused(
        INVALID, client.create_cluster, text, **{name: value for name, value in wanted.items() if value is not None}
    )
    assert client.describe_clusters()["Clusters"] == []


def test_create_cluster_refuses_reserved_tags(client):
    tag = {"Key": "aws:x", "Value": ""}
    refused("CloudHsmTagException", client.create_cluster, HsmType="hsm2m.medium", SubnetIds=SUBNETS, TagList=[tag])


def test_the_quota_of_clusters_counts_for_each_account(installation, client):
    for _ in range(4):
        installation.cluster()
    refused(INVALID, client.create_cluster, "quota of 4 clusters", HsmType="hsm2m.medium", SubnetIds=SUBNETS)
    installation.cluster(installation.client(OTHER_ACCOUNT))


def test_simultaneous_requests_do_not_exceed_the_quota(installation):
    clients = [installation.client() for _ in range(8)]
    outcomes = []

    def create(client):
        try:
            outcomes.append(installation.cluster(client))
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(INVALID) == 4
    assert len(installation.client().describe_clusters()["Clusters"]) == 4


# -- DescribeClusters --------------------------------------------------------------------------------------------------


def test_describe_clusters_filters(installation, client):
    first, second = installation.cluster(), installation.active_cluster()[0]

    def found(**filters):
        return {cluster["ClusterId"] for cluster in client.describe_clusters(Filters=filters)["Clusters"]}

    assert found() == {first, second}
    assert found(clusterIds=[first, MISSING]) == {first}
    assert found(vpcIds=["vpc-0123456789abcdef0"]) == {first, second}
    assert found(vpcIds=["vpc-1"]) == set()
    assert found(states=["ACTIVE"]) == {second}
    assert found(states=["ACTIVE", "UNINITIALIZED"]) == {first, second}
    assert found(states=["ACTIVE"], clusterIds=[first]) == set()
    assert found(clusterIds=[]) == set()


def test_describe_clusters_pages(serve):
    with serve(services.Limits(clusters=7)) as installation:
        client = installation.client()
        made = {installation.cluster() for _ in range(7)}
        pages = list(client.get_paginator("describe_clusters").paginate(PaginationConfig={"PageSize": 3}))
        assert [len(page["Clusters"]) for page in pages] == [3, 3, 1]
        assert {cluster["ClusterId"] for page in pages for cluster in page["Clusters"]} == made
        assert len(client.describe_clusters()["Clusters"]) == 7
        token = client.describe_clusters(MaxResults=2)["NextToken"]
        assert len(token) <= 256
        refused(
            INVALID, client.describe_clusters, "NextToken is not valid", NextToken=token, Filters={"states": ["ACTIVE"]}
        )
        refused(INVALID, client.describe_clusters, "NextToken is not valid", NextToken=token[:-2] + "xx")
        other = installation.client(OTHER_ACCOUNT)
        refused(INVALID, other.describe_clusters, "NextToken is not valid", NextToken=token)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"MaxResults": 26}, "less than or equal to 25"),
        ({"MaxResults": 0}, "greater than or equal to 1"),
        ({"Filters": {"names": ["x"]}}, "Unknown filter names"),
        ({"Filters": {"states": ["HAPPY"]}}, "Unknown state HAPPY"),
        ({"NextToken": "x" * 257}, "less than or equal to 256"),
    ],
)
def test_describe_clusters_refuses(client, members, text):
    refused(INVALID, client.describe_clusters, text, **members)


def test_an_account_never_sees_the_clusters_of_another(installation, client):
    cluster_id, hsm_id = installation.active_cluster()
    other = installation.client(OTHER_ACCOUNT)
    assert other.describe_clusters()["Clusters"] == []
    assert other.describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"] == []
    messages = {
        refused(NOT_FOUND, other.create_hsm, ClusterId=cluster_id, AvailabilityZone="us-east-1a"),
        refused(NOT_FOUND, other.delete_hsm, ClusterId=cluster_id, HsmId=hsm_id),
        refused(NOT_FOUND, other.delete_cluster, ClusterId=cluster_id),
        refused(NOT_FOUND, other.initialize_cluster, ClusterId=cluster_id, SignedCert="x", TrustAnchor="x"),
        refused(
            NOT_FOUND, other.modify_cluster, ClusterId=cluster_id, BackupRetentionPolicy={"Type": "DAYS", "Value": "9"}
        ),
        refused(NOT_FOUND, other.tag_resource, ResourceId=cluster_id, TagList=[{"Key": "k", "Value": "v"}]),
        refused(NOT_FOUND, other.untag_resource, ResourceId=cluster_id, TagKeyList=["k"]),
        refused(NOT_FOUND, other.list_tags, ResourceId=cluster_id),
    }
    assert messages == {f"Cluster {cluster_id} was not found in this account."}
    message = refused(NOT_FOUND, client.delete_cluster, ClusterId=MISSING)
    assert message == f"Cluster {MISSING} was not found in this account."
    assert described(client, cluster_id)["State"] == "ACTIVE"


# -- the life of a cluster ---------------------------------------------------------------------------------------------


def test_a_cluster_goes_through_its_states_as_its_hsm_writes_them(installation, client):
    cluster_id = installation.cluster()
    hsm = client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1b")["Hsm"]
    assert hsm["State"] == "CREATE_IN_PROGRESS"
    cluster = described(client, cluster_id)
    assert (cluster["State"], cluster["Certificates"], cluster["Hsms"]) == ("UNINITIALIZED", {}, [hsm])

    installation.hsm_says(cluster_id, hsm["HsmId"], HsmHealth.STARTING)
    assert described(client, cluster_id)["Hsms"][0]["State"] == "CREATE_IN_PROGRESS"

    first = installation.publish_csr(cluster_id, hsm["HsmId"])
    cluster = described(client, cluster_id)
    assert (cluster["State"], cluster["Hsms"][0]["State"]) == ("UNINITIALIZED", "ACTIVE")
    assert cluster["Certificates"] == first.certificates
    assert set(cluster["Certificates"]) == {
        "ClusterCsr",
        "HsmCertificate",
        "AwsHardwareCertificate",
        "ManufacturerHardwareCertificate",
    }

    certificate, anchor = first.signed()
    reply = client.initialize_cluster(ClusterId=cluster_id, SignedCert=certificate, TrustAnchor=anchor)
    text = "Cluster is initializing. State will change to INITIALIZED upon completion."
    assert (reply["State"], reply["StateMessage"]) == ("INITIALIZE_IN_PROGRESS", text)
    record = installation.stores.open(cluster_id).get("desired/initialize")
    assert msgspec.msgpack.decode(record.value, type=InitializeRecord) == InitializeRecord(certificate, anchor)
    cluster = described(client, cluster_id)
    assert (cluster["State"], cluster["StateMessage"]) == ("INITIALIZE_IN_PROGRESS", text)
    assert "ClusterCsr" not in cluster["Certificates"]

    installation.cluster_says(cluster_id, certificates={}, cluster_certificate=certificate, trust_anchor=anchor)
    assert described(client, cluster_id)["State"] == "INITIALIZE_IN_PROGRESS"  # Its port is not open yet.
    installation.hsm_says(cluster_id, hsm["HsmId"], HsmHealth.ACTIVE)
    cluster = described(client, cluster_id)
    assert (cluster["State"], cluster["Certificates"]) == ("INITIALIZED", {"ClusterCertificate": certificate})
    assert "StateMessage" not in cluster

    installation.cluster_says(cluster_id, activated=True)
    cluster = described(client, cluster_id)
    assert (cluster["State"], cluster["Certificates"]) == ("ACTIVE", {"ClusterCertificate": certificate})


# -- CreateHsm ---------------------------------------------------------------------------------------------------------


def test_create_hsm_writes_an_approved_membership(installation, client):
    cluster_id, _ = installation.active_cluster()
    hsm = client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1c", IpAddress="127.77.2.9")["Hsm"]
    assert re.fullmatch("hsm-[a-z2-7]{11}", hsm["HsmId"])
    assert re.fullmatch("eni-[0-9a-f]{17}", hsm["EniId"])
    assert hsm["SubnetId"] == SUBNETS[2]
    assert (hsm["EniIp"], hsm["AvailabilityZone"]) == ("127.77.2.9", "us-east-1c")
    assert (hsm["HsmType"], hsm["ClusterId"]) == ("hsm2m.medium", cluster_id)
    record = installation.stores.open(cluster_id).get(f"desired/hsm/{hsm['HsmId']}")
    membership = msgspec.msgpack.decode(record.value, type=MembershipRecord)
    assert (membership.address, membership.port, membership.zone) == ("127.77.2.9", 2223, "us-east-1c")
    assert not membership.deleting
    assert described(client, cluster_id)["Hsms"][1] == hsm


def test_a_second_hsm_before_activation_is_refused(installation, client):
    cluster_id = installation.cluster()
    zone = {"ClusterId": cluster_id, "AvailabilityZone": "us-east-1a"}
    hsm_id, hsm = installation.first_hsm(cluster_id)
    text = "already has an HSM and is not activated yet (it is UNINITIALIZED)"
    refused(INVALID, client.create_hsm, text, **zone)
    certificate, anchor = hsm.signed()
    client.initialize_cluster(ClusterId=cluster_id, SignedCert=certificate, TrustAnchor=anchor)
    refused(INVALID, client.create_hsm, "it is INITIALIZE_IN_PROGRESS", **zone)
    installation.cluster_says(cluster_id, cluster_certificate=certificate, trust_anchor=anchor)
    installation.hsm_says(cluster_id, hsm_id, HsmHealth.ACTIVE)
    refused(INVALID, client.create_hsm, "it is INITIALIZED", **zone)
    installation.cluster_says(cluster_id, activated=True)
    assert client.create_hsm(**zone)["Hsm"]["State"] == "CREATE_IN_PROGRESS"


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (
            {"AvailabilityZone": "us-east-1d"},
            "has no subnet in Availability Zone us-east-1d; it has subnets in us-east-1a",
        ),
        ({"AvailabilityZone": "here"}, "regular expression pattern"),
        ({"IpAddress": "10.0.0.1"}, "10.0.0.1 is not free in the subnet"),
        ({"IpAddress": "127.77.0.4"}, "127.77.0.4 is not free in the subnet"),
        ({"IpAddress": "localhost"}, "regular expression pattern"),
        ({"ClusterId": "cluster-1"}, "regular expression pattern"),
    ],
)
def test_create_hsm_refuses(installation, client, members, text):
    cluster_id, _ = installation.active_cluster()
    refused(INVALID, client.create_hsm, text, **{"ClusterId": cluster_id, "AvailabilityZone": "us-east-1a", **members})
    assert len(described(client, cluster_id)["Hsms"]) == 1
    assert client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1a")["Hsm"]["EniIp"] == "127.77.0.5"


def test_the_quota_of_hsms_counts_for_each_account(installation, client):
    first, _ = installation.active_cluster()
    second, _ = installation.active_cluster()
    for number in range(4):
        client.create_hsm(ClusterId=(first, second)[number % 2], AvailabilityZone="us-east-1b")
    zone = {"ClusterId": first, "AvailabilityZone": "us-east-1b"}
    refused(INVALID, client.create_hsm, "quota of 6 HSMs", **zone)
    installation.active_cluster(installation.client(OTHER_ACCOUNT))
    gone = described(client, second)["Hsms"][1]["HsmId"]
    client.delete_hsm(ClusterId=second, HsmId=gone)
    refused(INVALID, client.create_hsm, "quota of 6 HSMs", **zone)
    installation.fleet_forgets(second, gone)
    client.create_hsm(**zone)


def test_a_cluster_has_at_most_28_hsms(serve):
    with serve(services.Limits(hsms=100)) as installation:
        client = installation.client()
        cluster_id, _ = installation.active_cluster()
        for number in range(27):
            client.create_hsm(ClusterId=cluster_id, AvailabilityZone=f"us-east-1{'abc'[number % 3]}")
        text = "A cluster has at most 28 HSMs."
        refused(INVALID, client.create_hsm, text, ClusterId=cluster_id, AvailabilityZone="us-east-1a")


def test_no_two_hsms_of_an_installation_share_an_address(serve):
    with serve(services.Limits(hsms=100)) as installation:
        clusters = [
            installation.active_cluster(installation.client(account))[0] for account in (ACCOUNT, OTHER_ACCOUNT)
        ]
        threads = [
            threading.Thread(
                target=installation.client((ACCOUNT, OTHER_ACCOUNT)[number % 2]).create_hsm,
                kwargs={"ClusterId": clusters[number % 2], "AvailabilityZone": "us-east-1a"},
            )
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        replies = [installation.client(account).describe_clusters() for account in (ACCOUNT, OTHER_ACCOUNT)]
        addresses = [hsm["EniIp"] for reply in replies for hsm in reply["Clusters"][0]["Hsms"]]
        assert len(addresses) == len(set(addresses)) == 10


# -- the state of an HSM -----------------------------------------------------------------------------------------------


def test_an_hsm_is_degraded_while_it_cannot_serve_and_says_why(installation, client):
    cluster_id, hsm_id = installation.active_cluster()

    def state():
        hsm = described(client, cluster_id)["Hsms"][0]
        return hsm["State"], hsm.get("StateMessage")

    assert state() == ("ACTIVE", None)
    installation.hsm_says(cluster_id, hsm_id, HsmHealth.ERROR, "self-test of AES-GCM failed")
    assert state() == ("DEGRADED", "self-test of AES-GCM failed")
    installation.hsm_says(cluster_id, hsm_id, HsmHealth.STARTING)
    assert state() == ("DEGRADED", "The HSM is starting again.")
    installation.hsm_says(cluster_id, hsm_id, HsmHealth.ACTIVE)
    assert state() == ("ACTIVE", None)
    installation.hsm_says(cluster_id, hsm_id, HsmHealth.ACTIVE, lease=0.0)
    assert state() == ("DEGRADED", "The HSM's lease has run out: it does not run, or the store cannot be written.")
    installation.hsm_says(cluster_id, hsm_id, HsmHealth.STOPPED)
    assert state()[0] == "DEGRADED"
    assert described(client, cluster_id)["State"] == "ACTIVE"


# -- DeleteHsm ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "member"), [("HsmId", "HsmId"), ("EniId", "EniId"), ("EniIp", "EniIp")])
def test_delete_hsm_by_each_name(installation, client, name, member):
    cluster_id, _ = installation.active_cluster()
    hsm = client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1b")["Hsm"]
    for _ in range(2):  # Asking again changes nothing.
        assert client.delete_hsm(ClusterId=cluster_id, **{name: hsm[member]})["HsmId"] == hsm["HsmId"]
    assert [each["State"] for each in described(client, cluster_id)["Hsms"]] == ["ACTIVE", "DELETE_IN_PROGRESS"]
    installation.fleet_forgets(cluster_id, hsm["HsmId"])
    assert len(described(client, cluster_id)["Hsms"]) == 1
    again = client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1b", IpAddress=hsm["EniIp"])["Hsm"]
    assert again["EniIp"] == hsm["EniIp"]
    assert again["HsmId"] != hsm["HsmId"]


def test_delete_hsm_refuses(installation, client):
    cluster_id, hsm_id = installation.active_cluster()
    refused(INVALID, client.delete_hsm, "exactly one of HsmId, EniId and EniIp", ClusterId=cluster_id)
    refused(INVALID, client.delete_hsm, "exactly one", ClusterId=cluster_id, HsmId=hsm_id, EniIp="127.77.0.4")
    refused(NOT_FOUND, client.delete_hsm, "has no HSM hsm-aaaaaaaaaaa", ClusterId=cluster_id, HsmId="hsm-aaaaaaaaaaa")
    refused(NOT_FOUND, client.delete_hsm, ClusterId=cluster_id, EniIp="127.77.0.20")
    refused(INVALID, client.delete_hsm, "regular expression", ClusterId=cluster_id, HsmId="hsm-0")
    assert described(client, cluster_id)["Hsms"][0]["State"] == "ACTIVE"


# -- InitializeCluster -------------------------------------------------------------------------------------------------


def test_initialize_cluster_needs_a_csr(installation, client):
    cluster_id = installation.cluster()
    text = "has no certificate signing request yet. Create its first HSM"
    refused(INVALID, client.initialize_cluster, text, ClusterId=cluster_id, SignedCert="x", TrustAnchor="x")
    client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1a")
    refused(INVALID, client.initialize_cluster, text, ClusterId=cluster_id, SignedCert="x", TrustAnchor="x")


def test_initialize_cluster_happens_once(installation, client):
    cluster_id, _ = installation.active_cluster()
    text = "is in state ACTIVE; only a cluster in state UNINITIALIZED can be initialized"
    refused(INVALID, client.initialize_cluster, text, ClusterId=cluster_id, SignedCert="x", TrustAnchor="x")


def test_initialize_cluster_checks_the_certificates(installation, client, other_root):
    cluster_id = installation.cluster()
    _, hsm = installation.first_hsm(cluster_id)
    certificate, anchor = hsm.signed()

    def refusal(text, **members):
        wanted = {"ClusterId": cluster_id, "SignedCert": certificate, "TrustAnchor": anchor, **members}
        refused(INVALID, client.initialize_cluster, text, **wanted)

    refusal("SignedCert must hold exactly one certificate", SignedCert="x")
    refusal("TrustAnchor has 5001 characters; at most 5000", TrustAnchor="x" * 5001)
    refusal("failed to satisfy constraint: Member must have length less than or equal to 20000", SignedCert="x" * 20001)
    refusal("regular expression pattern", SignedCert="<certificate>")
    refusal("does not have the public key of the cluster's CSR", SignedCert=hsm.certificates["HsmCertificate"])
    refusal("SignedCert was not signed by TrustAnchor", TrustAnchor=other_root)
    assert described(client, cluster_id)["State"] == "UNINITIALIZED"
    assert installation.stores.open(cluster_id).get("desired/initialize") is None


def test_what_the_hsm_found_wrong_is_shown_and_can_be_repeated(installation, client):
    cluster_id = installation.cluster()
    _, hsm = installation.first_hsm(cluster_id)
    certificate, anchor = hsm.signed()
    initialize = {"ClusterId": cluster_id, "SignedCert": certificate, "TrustAnchor": anchor}
    client.initialize_cluster(**initialize)
    installation.cluster_says(cluster_id, initialize_error="The certificate has another key.")
    cluster = described(client, cluster_id)
    assert (cluster["State"], cluster["StateMessage"]) == ("UNINITIALIZED", "The certificate has another key.")
    assert cluster["Certificates"]["ClusterCsr"] == hsm.certificates["ClusterCsr"]
    client.initialize_cluster(**initialize)
    assert described(client, cluster_id)["State"] == "INITIALIZE_IN_PROGRESS"


# -- DeleteCluster -----------------------------------------------------------------------------------------------------


def test_delete_cluster_removes_the_store_and_stays_visible(installation, client):
    cluster_id, hsm_id = installation.active_cluster()
    refused(INVALID, client.delete_cluster, "still has HSMs", ClusterId=cluster_id)
    client.delete_hsm(ClusterId=cluster_id, HsmId=hsm_id)
    refused(INVALID, client.delete_cluster, "wait until they are gone", ClusterId=cluster_id)
    installation.fleet_forgets(cluster_id, hsm_id)
    assert client.delete_cluster(ClusterId=cluster_id)["Cluster"]["State"] == "DELETED"
    assert described(client, cluster_id)["State"] == "DELETED"
    with pytest.raises(KeyError):
        installation.stores.open(cluster_id)
    refused(NOT_FOUND, client.delete_cluster, ClusterId=cluster_id)
    refused(NOT_FOUND, client.create_hsm, ClusterId=cluster_id, AvailabilityZone="us-east-1a")
    for _ in range(4):  # It counts no longer.
        installation.cluster()
    assert described(client, cluster_id)["State"] == "DELETED"


def test_a_deleted_cluster_is_shown_for_as_long_as_was_set(serve):
    with serve(services.Limits(deleted_visible_seconds=0.0)) as installation:
        client, cluster_id = installation.client(), installation.cluster()
        client.delete_cluster(ClusterId=cluster_id)
        assert client.describe_clusters()["Clusters"] == []
        assert installation.control.get(f"cluster/{cluster_id}") is not None
        installation.cluster()
        assert installation.control.get(f"cluster/{cluster_id}") is None


def test_a_deletion_that_was_interrupted_is_finished_at_the_next_start(serve):
    with serve() as installation:
        client = installation.client()
        cluster_id = installation.cluster()
        installation.stores.failure = OSError("the disk is away")
        with pytest.raises(ClientError) as caught:
            client.delete_cluster(ClusterId=cluster_id)
        assert caught.value.response["Error"]["Code"] == "CloudHsmInternalFailureException"
        assert described(client, cluster_id)["State"] == "DELETE_IN_PROGRESS"
        refused(INVALID, client.create_hsm, "DELETE_IN_PROGRESS", ClusterId=cluster_id, AvailabilityZone="us-east-1a")
        keys = installation.keys
    with serve() as installation:  # It starts although the disk is still away.
        installation.keys = keys
        assert described(installation.client(), cluster_id)["State"] == "DELETE_IN_PROGRESS"
        installation.stores.failure = None
    with serve() as installation:
        installation.keys = keys
        until_deleted(installation.client(), cluster_id)


def until_deleted(client, cluster_id):
    end = time.monotonic() + 20
    while (state := described(client, cluster_id)["State"]) != "DELETED":
        assert state == "DELETE_IN_PROGRESS"
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_long_audit_log_that_is_copied_keeps_no_other_change_waiting(installation, monkeypatch):
    client, cluster_id = installation.client(), installation.cluster()
    archive, begun, go_on = delete_cluster.archive, threading.Event(), threading.Event()

    def long(*stores, **cluster):
        begun.set()
        assert go_on.wait(20)
        archive(*stores, **cluster)

    monkeypatch.setattr(delete_cluster, "archive", long)
    deletion = threading.Thread(target=client.delete_cluster, kwargs={"ClusterId": cluster_id})
    deletion.start()
    assert begun.wait(20)
    installation.cluster()
    refused(INVALID, client.delete_cluster, "its deletion goes on", ClusterId=cluster_id)
    assert described(client, cluster_id)["State"] == "DELETE_IN_PROGRESS"
    go_on.set()
    deletion.join(20)
    assert described(client, cluster_id)["State"] == "DELETED"


def test_a_long_audit_log_of_an_interrupted_deletion_keeps_nothing_waiting(serve, monkeypatch):
    with serve() as installation:
        client, cluster_id = installation.client(), installation.cluster()
        installation.stores.failure = OSError("the disk is away")
        with pytest.raises(ClientError):
            client.delete_cluster(ClusterId=cluster_id)
        keys, installation.stores.failure = installation.keys, None
    archive, go_on = delete_cluster.archive, threading.Event()

    def long(*stores, **cluster):
        assert go_on.wait(20)
        archive(*stores, **cluster)

    monkeypatch.setattr(delete_cluster, "archive", long)
    with serve() as installation:
        installation.keys = keys
        client = installation.client()
        assert described(client, cluster_id)["State"] == "DELETE_IN_PROGRESS"
        refused(INVALID, client.delete_cluster, "its deletion goes on", ClusterId=cluster_id)
        client.tag_resource(ResourceId=cluster_id, TagList=[{"Key": "name", "Value": "old"}])
        installation.cluster()
        go_on.set()
        until_deleted(client, cluster_id)


def test_a_creation_that_was_interrupted_is_finished_at_the_next_start(serve):
    with serve() as installation:
        client = installation.client()
        installation.stores.failure = OSError("the disk is away")
        with pytest.raises(ClientError):
            client.create_cluster(HsmType="hsm2m.medium", SubnetIds=SUBNETS)
        (cluster,) = client.describe_clusters()["Clusters"]
        assert cluster["State"] == "CREATE_IN_PROGRESS"
        keys, installation.stores.failure = installation.keys, None
    with serve() as installation:
        installation.keys = keys
        assert described(installation.client(), cluster["ClusterId"])["State"] == "UNINITIALIZED"
        installation.first_hsm(cluster["ClusterId"])


# -- ModifyCluster and tags --------------------------------------------------------------------------------------------


def test_modify_cluster_changes_the_retention(installation, client):
    cluster_id = installation.cluster()
    policy = {"Type": "DAYS", "Value": "379"}
    reply = client.modify_cluster(ClusterId=cluster_id, BackupRetentionPolicy=policy)
    assert reply["Cluster"]["BackupRetentionPolicy"] == policy
    assert described(client, cluster_id)["BackupRetentionPolicy"] == policy
    refused(INVALID, client.modify_cluster, "Nothing to modify", ClusterId=cluster_id)
    refused(INVALID, client.modify_cluster, "HsmType cannot be changed", ClusterId=cluster_id, HsmType="hsm2m.medium")
    wrong = {"Type": "DAYS", "Value": "400"}
    refused(INVALID, client.modify_cluster, "between 7 and 379", ClusterId=cluster_id, BackupRetentionPolicy=wrong)
    refused(NOT_FOUND, client.modify_cluster, ClusterId=MISSING, BackupRetentionPolicy=policy)


def test_tags_are_set_replaced_listed_and_removed(installation, client):
    cluster_id = installation.cluster()
    assert client.list_tags(ResourceId=cluster_id)["TagList"] == []
    client.tag_resource(ResourceId=cluster_id, TagList=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": ""}])
    client.tag_resource(ResourceId=cluster_id, TagList=[{"Key": "b", "Value": "2"}])
    tags = [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}]
    assert client.list_tags(ResourceId=cluster_id)["TagList"] == tags
    assert described(client, cluster_id)["TagList"] == tags
    pages = list(client.get_paginator("list_tags").paginate(ResourceId=cluster_id, PaginationConfig={"PageSize": 1}))
    assert [page["TagList"] for page in pages] == [[tag] for tag in tags]
    client.untag_resource(ResourceId=cluster_id, TagKeyList=["b", "not there"])
    assert client.list_tags(ResourceId=cluster_id)["TagList"] == tags[:1]


def test_tags_are_refused(installation, client):
    cluster_id = installation.cluster()
    tag = client.tag_resource
    twice = [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]
    refused("CloudHsmTagException", tag, "more than once", ResourceId=cluster_id, TagList=twice)
    refused("CloudHsmTagException", tag, "reserved", ResourceId=cluster_id, TagList=[{"Key": "AWS:k", "Value": ""}])
    refused(
        INVALID,
        tag,
        "length less than or equal to 128",
        ResourceId=cluster_id,
        TagList=[{"Key": "k" * 129, "Value": ""}],
    )
    refused(INVALID, tag, "regular expression", ResourceId=cluster_id, TagList=[{"Key": "k", "Value": "<b>"}])
    refused(INVALID, tag, "Value null at 'tagList.1.member.value'", ResourceId=cluster_id, TagList=[{"Key": "k"}])
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    tag(ResourceId=cluster_id, TagList=many)
    more = [{"Key": "one more", "Value": ""}]
    refused("CloudHsmResourceLimitExceededException", tag, "at most 50 tags", ResourceId=cluster_id, TagList=more)
    refused(NOT_FOUND, tag, ResourceId="backup-aaaaaaaaaaa", TagList=more)
    refused(NOT_FOUND, client.list_tags, ResourceId="backup-aaaaaaaaaaa")
    refused(INVALID, client.list_tags, "regular expression", ResourceId="arn:aws:x")
    refused(INVALID, client.list_tags, "NextToken is not valid", ResourceId=cluster_id, NextToken="x")
    refused(INVALID, client.untag_resource, "Value null at 'tagKeyList'", ResourceId=cluster_id)
    assert len(client.list_tags(ResourceId=cluster_id)["TagList"]) == 50


@pytest.mark.parametrize(
    "operation",
    [
        "describe_backups",
        "delete_backup",
        "restore_backup",
        "copy_backup_to_region",
        "modify_backup_attributes",
        "get_resource_policy",
        "put_resource_policy",
        "delete_resource_policy",
    ],
)
def test_an_operation_that_is_not_offered_says_so(client, operation):
    refused(INVALID, getattr(client, operation), "is not supported yet by this Strongroom version.")
