"""The AWS services that an installation offers: one HTTP application over the control plane's store.

A service writes desired state and reads what HSMs wrote; it holds no key and talks to no HSM.
"""

from strongroom.services.cloudhsmv2.cluster_stores import ClusterStores
from strongroom.services.cloudhsmv2.context import Limits
from strongroom.services.cloudhsmv2.network import AddressUnavailable, Subnet, ZonePlan

__all__ = ["AddressUnavailable", "ClusterStores", "Limits", "Subnet", "ZonePlan"]
