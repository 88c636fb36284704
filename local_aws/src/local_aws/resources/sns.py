"""SNS: topics, subscriptions, topic policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class Topic(Resource):
    """AWS::SNS::Topic; `Ref` gives its ARN."""

    type = "AWS::SNS::Topic"
    changeable = frozenset({"DisplayName", "KmsMasterKeyId", "Subscription", "Tags"})
    supported = changeable | {"TopicName"}

    def create(self) -> None:
        name = self.properties.get("TopicName") or self.made_up_name(longest=256)
        attributes = {key: str(value) for key, value in self._settings().items()}
        made = self.call(
            "sns", "CreateTopic", Name=name, Attributes=attributes, Tags=self.tags() or None
        )
        self.physical_id = made["TopicArn"]
        self.attributes = {"TopicArn": self.physical_id, "TopicName": name}
        for entry in self.properties.get("Subscription", []):
            self.call("sns", "Subscribe", TopicArn=self.physical_id, **entry)

    def _settings(self) -> dict[str, Any]:
        return self.given("DisplayName", "KmsMasterKeyId")

    def update(self, before: Mapping[str, Any]) -> None:
        for key, value in self._settings().items():
            named = {"AttributeName": key, "AttributeValue": value}
            self.call("sns", "SetTopicAttributes", TopicArn=self.physical_id, **named)
        if tags := self.tags():
            self.call("sns", "TagResource", ResourceArn=self.physical_id, Tags=tags)
        for entry in self.properties.get("Subscription", []):
            if entry not in before.get("Subscription", []):
                self.call("sns", "Subscribe", TopicArn=self.physical_id, **entry)

    def delete(self) -> None:
        self.call("sns", "DeleteTopic", TopicArn=self.physical_id)


class Subscription(Resource):
    """AWS::SNS::Subscription."""

    type = "AWS::SNS::Subscription"
    supported = frozenset({"Endpoint", "Protocol", "TopicArn"})

    def create(self) -> None:
        self.physical_id = self.call("sns", "Subscribe", **self.properties)["SubscriptionArn"]
        self.attributes = {"Arn": self.physical_id}

    def delete(self) -> None:
        self.call("sns", "Unsubscribe", SubscriptionArn=self.physical_id)


class TopicPolicy(Resource):
    """AWS::SNS::TopicPolicy."""

    type = "AWS::SNS::TopicPolicy"
    supported = frozenset({"PolicyDocument", "Topics"})
    changeable = frozenset({"PolicyDocument"})

    def create(self) -> None:
        self.physical_id = self.made_up_name()
        self.update({})

    def update(self, before: Mapping[str, Any]) -> None:
        document = json.dumps(self.properties["PolicyDocument"])
        for topic in self.properties["Topics"]:
            named = {"AttributeName": "Policy", "AttributeValue": document}
            self.call("sns", "SetTopicAttributes", TopicArn=topic, **named)
