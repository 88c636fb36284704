"""Route 53."""

from __future__ import annotations

from typing import Any

from local_aws.resources.base import Resource, ResourceError


class HostedZone(Resource):
    """AWS::Route53::HostedZone; `Ref` gives its id.

    As on AWS, one that still has records of its own cannot be deleted.
    """

    type = "AWS::Route53::HostedZone"
    supported = frozenset({"HostedZoneConfig", "HostedZoneTags", "Name", "VPCs"})

    def create(self) -> None:
        vpcs: list[dict[str, Any]] = self.properties.get("VPCs", [])
        first = {"VPCId": vpcs[0]["VPCId"], "VPCRegion": vpcs[0]["VPCRegion"]} if vpcs else None
        made = self.call(
            "route53",
            "CreateHostedZone",
            Name=self.properties["Name"],
            CallerReference=f"{self.site.stack_id}/{self.logical_id}",
            VPC=first,
            HostedZoneConfig=self._settings(private=bool(first)),
        )
        self.physical_id = made["HostedZone"]["Id"].rpartition("/")[2]
        self.attributes = {"Id": self.physical_id}
        if tags := self.tags("HostedZoneTags"):
            zone = {"ResourceType": "hostedzone", "ResourceId": self.physical_id}
            self.call("route53", "ChangeTagsForResource", **zone, AddTags=tags)
        for vpc in vpcs[1:]:
            self.call(
                "route53", "AssociateVPCWithHostedZone", HostedZoneId=self.physical_id, VPC=vpc
            )

    def _settings(self, *, private: bool) -> dict[str, Any] | None:
        comment = self.properties.get("HostedZoneConfig", {}).get("Comment", "")
        return {"PrivateZone": private, "Comment": comment} if private or comment else None

    def delete(self) -> None:
        listed = self.look("route53", "ListResourceRecordSets", HostedZoneId=self.physical_id)
        own = [item for item in listed["ResourceRecordSets"] if item["Type"] not in {"NS", "SOA"}]
        if own:
            raise ResourceError(
                "The specified hosted zone contains non-required resource record sets and so "
                "cannot be deleted."
            )
        self.call("route53", "DeleteHostedZone", Id=self.physical_id)
