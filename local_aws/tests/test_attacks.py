"""Attacks on the local AWS, which runs commands: from web pages, other users and bad names."""

from __future__ import annotations

import http.client
import json
import os
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.authentication.keys import ADMINISTRATOR_KEY
from local_aws.control import Control
from local_aws.errors import LocalAwsError
from local_aws.nodes import Isolation, Node, Nodes
from local_aws.process import LocalAws
from local_aws.testing import MANAGEMENT, MEMBER, VIRGINIA, Person
from lustres import Linked
from needs import need_chromium

MAKE_VPC = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.66.0.0%2F16"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def send(
    local: LocalAws, method: str, path: str, headers: Mapping[str, str], body: str = ""
) -> http.client.HTTPResponse:
    """A request with exactly these headers, and Host unless it is given."""
    connection = http.client.HTTPConnection("127.0.0.1", local.port, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    answer.read()
    return answer


def made_vpcs(local: LocalAws) -> int:
    found = 0
    for account in (MANAGEMENT, MEMBER):
        vpcs = local.client("ec2", account, VIRGINIA).describe_vpcs()["Vpcs"]
        found += sum(vpc["CidrBlock"] == "10.66.0.0/16" for vpc in vpcs)
    return found


def with_secret(local: LocalAws, **more: str) -> dict[str, str]:
    bearer = {"Authorization": f"Bearer {local.secret}", "Content-Type": "application/json"}
    return {**bearer, **more}


# --- without the secret


def test_an_unsigned_request_does_nothing(local: LocalAws) -> None:
    assert send(local, "POST", "/", FORM, MAKE_VPC).status == 403
    account = {"x-moto-account-id": MEMBER, "x-local-aws-internal": "1"}
    assert send(local, "POST", "/", FORM | account, MAKE_VPC).status == 403
    assert made_vpcs(local) == 0


@pytest.mark.parametrize(
    "key",
    [
        ("local", "local"),
        ("testing", "testing"),
        ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"),
        (ADMINISTRATOR_KEY, "local"),
        (ADMINISTRATOR_KEY, ""),
    ],
)
def test_keys_that_are_public_do_nothing(local: LocalAws, key: tuple[str, str]) -> None:
    client = Person(local, {"AccessKeyId": key[0], "SecretAccessKey": key[1] or " "}).client("ssm")
    with pytest.raises(ClientError) as refused:
        client.put_parameter(Name="/attack", Value="x", Type="String")
    assert refused.value.response["Error"]["Code"] in (
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
    )


@pytest.mark.parametrize("path", ["/moto-api/reset", "/_local_aws/faults", "/_local_aws/nodes"])
@pytest.mark.parametrize("secret", [None, "", "Bearer ", "Bearer guess", "Bearer None"])
def test_controls_need_the_secret(local: LocalAws, path: str, secret: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    headers |= {} if secret is None else {"Authorization": secret}
    for method in ("GET", "POST"):
        assert send(local, method, path, headers, "{}").status == 403


def test_credentials_of_a_server_are_not_given_out(local: LocalAws) -> None:
    """moto answers as an instance's metadata service."""
    path = "/latest/meta-data/iam/security-credentials/default-role"
    assert send(local, "GET", path, {}).status == 403


def test_the_secret_is_in_no_argument_and_no_log(local: LocalAws) -> None:
    assert local.secret.encode() not in Path(f"/proc/{local.pid}/cmdline").read_bytes()
    assert local.secret not in (local.state_dir / "server.log").read_text()
    assert local.secret not in repr(local)


def test_a_session_speaks_for_its_own_account_only(local: LocalAws) -> None:
    sts = local.client("sts", MEMBER, VIRGINIA)
    role = f"arn:aws:iam::{MEMBER}:role/anyone"
    session = Person(
        local, sts.assume_role(RoleArn=role, RoleSessionName="anyone")["Credentials"]
    ).client("sts")

    def elsewhere(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = MANAGEMENT

    session.meta.events.register("before-sign", elsewhere)
    assert session.get_caller_identity()["Account"] == MEMBER


def test_a_session_needs_its_token(local: LocalAws) -> None:
    sts = local.client("sts", MEMBER, VIRGINIA)
    role = f"arn:aws:iam::{MEMBER}:role/anyone"
    keys = dict(sts.assume_role(RoleArn=role, RoleSessionName="anyone")["Credentials"])
    for token in ("", "another"):
        client = Person(local, {**keys, "SessionToken": token or None}).client("sts")
        with pytest.raises(ClientError, match="invalid"):
            client.get_caller_identity()


def test_a_disabled_key_does_nothing(local: LocalAws) -> None:
    iam = local.client("iam", MEMBER, VIRGINIA)
    iam.create_user(UserName="gone")
    keys = iam.create_access_key(UserName="gone")["AccessKey"]
    client = Person(local, keys).client("sts")
    assert client.get_caller_identity()["Account"] == MEMBER
    iam.update_access_key(UserName="gone", AccessKeyId=keys["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="invalid"):
        client.get_caller_identity()


# --- from web pages


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "localhost.evil.example:{port}", "localhost", "localhost:1", ""]
)
def test_another_name_of_this_machine_is_refused(local: LocalAws, host: str) -> None:
    """DNS rebinding: a page of evil.example whose name leads to 127.0.0.1 all at once."""
    headers = with_secret(local, Host=host.format(port=local.port))
    assert send(local, "GET", "/_local_aws/faults", headers).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:{port}"])
def test_a_request_of_a_page_is_refused(local: LocalAws, origin: str) -> None:
    headers = with_secret(local, Origin=origin.format(port=local.port))
    answer = send(local, "GET", "/_local_aws/faults", headers)
    assert answer.status == 403
    assert _cors(answer) == []


def test_no_preflight_is_answered(local: LocalAws) -> None:
    for path in ("/", "/bucket/key", "/_local_aws/faults"):
        headers = {
            "Origin": "http://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-amz-target,content-type,authorization",
        }
        answer = send(local, "OPTIONS", path, headers)
        assert answer.status == 403
        assert _cors(answer) == []


def _cors(answer: http.client.HTTPResponse) -> list[str]:
    return [name for name, _ in answer.getheaders() if name.lower().startswith("access-control")]


PAGE = """<!doctype html><title>evil</title><pre id=log></pre><script>
const target = TARGET, log = [];
const json = {'Content-Type': 'application/x-amz-json-1.1'};
async function attempt(name, path, options) {
  try {
    const answer = await fetch(target + path, options);
    log.push(`${name}: ${answer.type} ${answer.type === 'opaque' ? '' : await answer.text()}`);
  } catch (error) { log.push(`${name}: failed`); }
}
(async () => {
  const form = {'Content-Type': 'application/x-www-form-urlencoded'};
  await attempt('simple', '/', {method: 'POST', mode: 'no-cors', headers: form, body: VPC});
  await attempt('read', '/', {method: 'POST', headers: form, body: VPC});
  await attempt('preflight', '/', {method: 'POST', body: COMMAND,
    headers: {...json, 'X-Amz-Target': 'AmazonSSM.SendCommand'}});
  await attempt('faults', '/_local_aws/faults', {method: 'POST', mode: 'no-cors',
    headers: {'Content-Type': 'text/plain'}, body: '{"kind": "slow"}'});
  await attempt('reset', '/moto-api/reset', {method: 'POST', mode: 'no-cors'});
  const sent = document.createElement('form');
  Object.assign(sent, {method: 'POST', action: target + '/', target: 'frame'});
  for (const [name, value] of new URLSearchParams(VPC)) {
    sent.append(Object.assign(document.createElement('input'), {name, value}));
  }
  document.body.append(Object.assign(document.createElement('iframe'), {name: 'frame'}), sent);
  sent.submit();
  await new Promise((done) => setTimeout(done, 1500));
  document.getElementById('log').textContent = log.join('\\n') + '\\nend';
})();
</script>"""


@pytest.fixture
def page(local: LocalAws) -> Iterator[str]:
    """A page of another origin that tries everything; its address."""
    command = {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-0123456789abcdef0"]}
    command["Parameters"] = {"commands": ["touch /reached"]}  # type: ignore[assignment]
    text = PAGE
    for name, value in {
        "TARGET": local.endpoint_url,
        "VPC": MAKE_VPC,
        "COMMAND": json.dumps(command),
    }.items():
        text = text.replace(name, json.dumps(value))

    class Serve(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.mark.browser
def test_a_page_in_a_browser_reaches_nothing(local: LocalAws, page: str, tmp_path: Path) -> None:
    chromium = need_chromium()
    instance = "i-0123456789abcdef0"
    root = Control(local).add_node(instance, MANAGEMENT, VIRGINIA, {})
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/chrome"]
    done = subprocess.run(
        [chromium, *options, "--virtual-time-budget=30000", "--dump-dom", page],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    log = done.stdout.partition('<pre id="log">')[2].partition("</pre>")[0].splitlines()
    assert log[-1] == "end"
    assert {"read: failed", "preflight: failed"} <= set(log)
    assert made_vpcs(local) == 0
    assert Control(local).faults() == []
    assert not (root / "reached").exists()


# --- by names


@pytest.mark.parametrize("instance", ["../../x", "..", "i-1/../../x", "/tmp/x", "", "i-0123456g"])
def test_an_instance_whose_id_is_a_path_is_refused(local: LocalAws, instance: str) -> None:
    before = sorted(local.state_dir.parent.rglob("*"))
    with pytest.raises(LocalAwsError, match="no id of an instance"):
        Control(local).add_node(instance, MEMBER, VIRGINIA, {})
    assert sorted(local.state_dir.parent.rglob("*")) == before


@pytest.mark.parametrize("place", ["/../../x", "/fsx/../../x", "/", "relative", "/a/./b"])
def test_a_mount_point_outside_the_node_is_refused(local: LocalAws, place: str) -> None:
    lustre = Linked(local)
    with pytest.raises(LocalAwsError, match="cannot be a mount point"):
        Control(local).add_node("i-0123456789abcdef1", MEMBER, VIRGINIA, {place: lustre.id})


def test_no_association_leads_out_of_a_file_system(local: LocalAws) -> None:
    with pytest.raises(ClientError):
        Linked(local, place="/../../outside")
    assert not (local.state_dir.parent / "outside").exists()
    assert not (local.state_dir / "outside").exists()


def test_no_export_reads_files_of_this_machine(local: LocalAws, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    lustre = Linked(local)
    (lustre.root / "link").symlink_to(tmp_path)
    outside = os.path.relpath(tmp_path / "secret", lustre.root)
    for path in (outside, "link/secret", "link/."):
        assert lustre.export(path)["Lifecycle"] == "FAILED"
    assert lustre.keys() == set()


def test_no_import_writes_through_a_link(local: LocalAws, tmp_path: Path) -> None:
    lustre = Linked(local, auto_import=("NEW",))
    (lustre.root / "link").symlink_to(tmp_path)
    for key in ("link/written", "../../written"):
        lustre.s3.put_object(Bucket=lustre.bucket, Key=key, Body=b"x")
    lustre.s3.put_object(Bucket=lustre.bucket, Key="good", Body=b"x")
    Control(local).sync(lustre.id)
    assert not (tmp_path / "written").exists()
    assert not list(local.state_dir.rglob("written"))


def test_programs_are_not_written_through_a_link(tmp_path: Path) -> None:
    nodes = Nodes()
    nodes.open(tmp_path / "state")
    node = nodes.add("i-0123456789abcdef0", MEMBER, VIRGINIA, "c", {})
    (node.root / "opt").rmdir()
    (node.root / "opt").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="symbolic link"):
        node.install("/opt/program", "#!/bin/sh\n")
    assert not (tmp_path / "program").exists()


def test_a_working_directory_outside_the_node_is_refused(tmp_path: Path) -> None:
    node = Node("i-0123456789abcdef0", MEMBER, VIRGINIA, "c", tmp_path / "node")
    node.make_folder()
    with pytest.raises(ValueError, match="leads out"):
        node.run(["pwd"], timeout_s=5, work="/../..", kind=Isolation.REWRITTEN)


# --- of another local user


def test_the_state_is_closed_to_other_users(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    local = LocalAws.start(state)
    try:
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        assert stat.S_IMODE((state / "server.lock").stat().st_mode) == 0o600
        if os.geteuid() == 0:
            look = ["setpriv", "--reuid=65534", "--clear-groups", "cat", str(state / "server.lock")]
            assert subprocess.run(look, capture_output=True, check=False).returncode != 0
    finally:
        local.stop()
