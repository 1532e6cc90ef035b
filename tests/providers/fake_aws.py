"""A recorded fake of Amazon EC2's Query API and of its instance metadata.

Answers have the shape of the samples in the Amazon EC2 API Reference (2016-11-15): DescribeAddresses,
AssociateAddress, DisassociateAddress, DescribeRouteTables, CreateRoute, ReplaceRoute, DeleteRoute,
DescribeNetworkInterfaces, AssignPrivateIpAddresses, UnassignPrivateIpAddresses, CreateTags. Each
request's signature is checked by a way of its own through "Signature Version 4", as is its time.
"""

import datetime
import hashlib
import hmac
import json
import re
import urllib.parse

from fake import Fake

ID, SECRET, TOKEN, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session", "eu-central-1"
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
REQUEST_ID = "59dbff89-35bd-4eac-99ed-be587EXAMPLE"


def refusal(code, message, status=400):
    return status, {"Content-Type": "text/xml;charset=UTF-8"}, (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        f"<RequestID>{REQUEST_ID}</RequestID></Response>").encode()


def answer(action, inner="<return>true</return>"):
    return 200, {"Content-Type": "text/xml;charset=UTF-8"}, (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="{NAMESPACE}">'
        f"<requestId>{REQUEST_ID}</requestId>{inner}</{action}Response>").encode()


def tag_set(tags):
    return "<tagSet>" + "".join(f"<item><key>{k}</key><value>{v}</value></item>" for k, v in tags.items()) + "</tagSet>"


class Ec2(Fake):
    def __init__(self):
        super().__init__()
        self.tokens_asked = 0
        self.interface = "eni-a"  # of whoever asks the instance metadata
        self.associations = 0
        self.address = {"eipalloc-1": None}  # its association: (id, interface)
        self.routes = {"rtb-1": {"10.0.0.0/16": "local"}, "rtb-2": {"10.0.0.0/16": "local"}}
        self.interfaces = {"eni-a": ("subnet-1", ["10.0.1.11"]), "eni-b": ("subnet-1", ["10.0.1.12"]),
                           "eni-c": ("subnet-2", ["10.0.2.11"])}
        self.tags = {}

    def serve(self, method, path, headers, body):
        if path.startswith("/latest/"):
            return self.serve_metadata(method, path[len("/latest/"):], headers)
        wrong = self.check_signature(method, path, headers, body)
        if wrong:
            return wrong
        asked = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        action = asked.pop("Action")
        if asked.pop("Version") != "2016-11-15" or not hasattr(self, action):
            return refusal("InvalidAction", f"The action {action} is not valid for this web service.")
        failure = self.pass_by(action)
        if failure:
            return failure
        with self.lock:
            return getattr(self, action)(asked)

    def serve_metadata(self, method, path, headers):
        plain = {"Content-Type": "text/plain"}
        if path == "api/token":
            if method != "PUT" or not 1 <= int(headers.get("X-aws-ec2-metadata-token-ttl-seconds", 0)) <= 21600:
                return 400, plain, b""
            self.tokens_asked += 1
            return 200, plain, b"AQAEAexample=="
        if headers.get("X-aws-ec2-metadata-token") != "AQAEAexample==":
            return 401, plain, b""
        role = {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": ID, "SecretAccessKey": SECRET, "Token": TOKEN,
                "Expiration": "2027-01-01T00:00:00Z"}
        known = {"meta-data/mac": "02:29:96:8f:6a:2d", "meta-data/placement/region": REGION,
                 "meta-data/network/interfaces/macs/02:29:96:8f:6a:2d/interface-id": self.interface,
                 "meta-data/iam/security-credentials/": "ooha",
                 "meta-data/iam/security-credentials/ooha": json.dumps(role)}
        return (200, plain, known[path].encode()) if path in known else (404, plain, b"")

    @staticmethod
    def check_signature(method, path, headers, body):
        failed = refusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/ec2/aws4_request, "
                             r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", headers.get("Authorization", ""))
        at = headers.get("X-Amz-Date", "")
        if not found or found[1] != ID or found[3] != REGION or found[2] != at[:8]:
            return failed
        sent = datetime.datetime.strptime(at + "+0000", "%Y%m%dT%H%M%SZ%z")
        if abs(datetime.datetime.now(datetime.timezone.utc) - sent) > datetime.timedelta(minutes=5):
            return refusal("RequestExpired", "Request has expired.")
        signed = found[4].split(";")
        needed = {"host", "x-amz-date"} | ({"x-amz-security-token"} if headers.get("X-Amz-Security-Token") else set())
        if not needed <= set(signed) or headers.get("X-Amz-Security-Token") not in (None, TOKEN):
            return failed
        lines = [method, path, ""] + [f"{name}:{headers[name].strip()}" for name in signed]
        lines += ["", found[4], hashlib.sha256(body).hexdigest()]
        key = b"AWS4" + SECRET.encode()
        for part in (found[2], REGION, "ec2", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{at}\n{found[2]}/{REGION}/ec2/aws4_request\n{canonical}"
        return None if hmac.digest(key, text.encode(), "sha256").hex() == found[5] else failed

    def CreateTags(self, asked):
        resources = [value for name, value in asked.items() if name.startswith("ResourceId.")]
        if not resources or not all(name in self.address or name in self.routes for name in resources):
            return refusal("InvalidID", "The ID is not valid")
        for name in resources:
            self.tags.setdefault(name, {})[asked["Tag.1.Key"]] = asked["Tag.1.Value"]
        return answer("CreateTags")

    def DescribeAddresses(self, asked):
        name = asked["AllocationId.1"]
        if name not in self.address:
            return refusal("InvalidAllocationID.NotFound", f"The allocation ID '{name}' does not exist")
        association = self.address[name]
        more = ""
        if association:
            more = (f"<associationId>{association[0]}</associationId><instanceId>i-1</instanceId>"
                    f"<networkInterfaceId>{association[1]}</networkInterfaceId>"
                    "<networkInterfaceOwnerId>123456789012</networkInterfaceOwnerId>")
        return answer("DescribeAddresses", "<addressesSet><item><publicIp>203.0.113.7</publicIp>"
                      f"<allocationId>{name}</allocationId><domain>vpc</domain>{more}"
                      f"{tag_set(self.tags.get(name, {}))}</item></addressesSet>")

    def AssociateAddress(self, asked):
        name, interface = asked["AllocationId"], asked["NetworkInterfaceId"]
        if name not in self.address:
            return refusal("InvalidAllocationID.NotFound", f"The allocation ID '{name}' does not exist")
        if interface not in self.interfaces:
            return refusal("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{interface}' does not exist")
        if self.address[name] and asked.get("AllowReassociation") != "true":
            return refusal("Resource.AlreadyAssociated", f"resource {name} is already associated")
        self.associations += 1
        self.address[name] = (f"eipassoc-{self.associations}", interface)
        return answer("AssociateAddress", f"<return>true</return><associationId>{self.address[name][0]}</associationId>")

    def DisassociateAddress(self, asked):
        for name, association in self.address.items():
            if association and association[0] == asked["AssociationId"]:
                self.address[name] = None
                return answer("DisassociateAddress")
        return refusal("InvalidAssociationID.NotFound",
                       f"The association ID '{asked['AssociationId']}' does not exist")

    def DescribeRouteTables(self, asked):
        found = ""
        for name in [value for key, value in asked.items() if key.startswith("RouteTableId.")]:
            if name not in self.routes:
                return refusal("InvalidRouteTableID.NotFound", f"The routeTable ID '{name}' does not exist")
            found += (f"<item><routeTableId>{name}</routeTableId><vpcId>vpc-1</vpcId><routeSet>"
                      + "".join(self.route(block, target) for block, target in self.routes[name].items())
                      + f"</routeSet><associationSet/>{tag_set(self.tags.get(name, {}))}</item>")
        return answer("DescribeRouteTables", f"<routeTableSet>{found}</routeTableSet>")

    @staticmethod
    def route(block, target):
        field = "destinationIpv6CidrBlock" if ":" in block else "destinationCidrBlock"
        to = ("<gatewayId>local</gatewayId><state>active</state><origin>CreateRouteTable</origin>" if target == "local"
              else f"<instanceId>i-1</instanceId><networkInterfaceId>{target}</networkInterfaceId>"
              "<state>active</state><origin>CreateRoute</origin>")
        return f"<item><{field}>{block}</{field}>{to}</item>"

    def change_route(self, action, asked):
        table = self.routes.get(asked["RouteTableId"])
        block = asked.get("DestinationCidrBlock") or asked["DestinationIpv6CidrBlock"]
        if table is None:
            return refusal("InvalidRouteTableID.NotFound", "The routeTable ID does not exist")
        if action == "CreateRoute" and block in table:
            return refusal("RouteAlreadyExists", f"The route identified by {block} already exists.")
        if action != "CreateRoute" and block not in table:
            return refusal("InvalidParameterValue" if action == "ReplaceRoute" else "InvalidRoute.NotFound",
                           f"There is no route defined for '{block}' in the route table.")
        if action == "DeleteRoute":
            del table[block]
        else:
            table[block] = asked["NetworkInterfaceId"]
        return answer(action)

    def CreateRoute(self, asked):
        return self.change_route("CreateRoute", asked)

    def ReplaceRoute(self, asked):
        return self.change_route("ReplaceRoute", asked)

    def DeleteRoute(self, asked):
        return self.change_route("DeleteRoute", asked)

    def DescribeNetworkInterfaces(self, asked):
        filters = {asked[f"Filter.{i}.Name"]: asked[f"Filter.{i}.Value.1"] for i in (1, 2) if f"Filter.{i}.Name" in asked}
        found = ""
        for name, (subnet, addresses) in self.interfaces.items():
            if asked.get("NetworkInterfaceId.1", name) == name and filters.get("subnet-id", subnet) == subnet \
                    and filters.get("addresses.private-ip-address", addresses[0]) in addresses:
                found += (f"<item><networkInterfaceId>{name}</networkInterfaceId><subnetId>{subnet}</subnetId>"
                          "<privateIpAddressesSet>" + "".join(
                              f"<item><privateIpAddress>{one}</privateIpAddress></item>" for one in addresses)
                          + "</privateIpAddressesSet></item>")
        return answer("DescribeNetworkInterfaces", f"<networkInterfaceSet>{found}</networkInterfaceSet>")

    def AssignPrivateIpAddresses(self, asked):
        name, address = asked["NetworkInterfaceId"], asked["PrivateIpAddress.1"]
        for other, (subnet, addresses) in self.interfaces.items():
            if address in addresses and other != name:
                if subnet != self.interfaces[name][0] or asked.get("AllowReassignment") != "true":
                    return refusal("InvalidParameterValue", f"Address {address} is not available")
                addresses.remove(address)
        if address not in self.interfaces[name][1]:
            self.interfaces[name][1].append(address)
        return answer("AssignPrivateIpAddresses")

    def UnassignPrivateIpAddresses(self, asked):
        name, address = asked["NetworkInterfaceId"], asked["PrivateIpAddress.1"]
        if address not in self.interfaces[name][1]:
            return refusal("InvalidParameterValue", f"Some of {address} are not assigned to interface {name}")
        self.interfaces[name][1].remove(address)
        return answer("UnassignPrivateIpAddresses")
