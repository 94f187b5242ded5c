"""The public Python client, unchanged, against the gateway: every operation of this version."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import pytest_twisted
from alibabacloud_eiam_developerapi20220225 import models
from alibabacloud_eiam_developerapi20220225.client import Client as PublicClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from gateway.model.applications import Grant
from gateway.model.objects import ROOT_ORGANIZATION_ID
from tests.frontends.developer.conftest import Client, Company, World

T = TypeVar("T")


class Sdk:
    """The client, its token in each operation's headers object as its documentation has it."""

    def __init__(self, client: Client) -> None:
        self.ids = (client.instance_id, client.application.id)
        self.secret = client.secret
        self.client = PublicClient(Config(endpoint=f"127.0.0.1:{client.port}", protocol="HTTP"))
        self.token = ""

    def generate_token(self) -> Any:
        request = models.GenerateTokenRequest(grant_type="client_credentials", client_id=self.ids[1], client_secret=self.secret)
        body = self.client.generate_token(*self.ids, request).body
        self.token = body.access_token
        return body

    def call(self, operation: str, *path: str, **fields: Any) -> Any:
        """Operation "GetUser" with the variable parts of its path and the fields of its request."""
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")
        headers = getattr(models, f"{operation}Headers")(authorization=f"Bearer {self.token}")
        method = getattr(self.client, f"{name}_with_options")
        shape = getattr(models, f"{operation}Request", None)  # some operations have no fields at all
        fields_of = () if shape is None else (shape(**fields),)
        return getattr(method(*self.ids, *path, *fields_of, headers, RuntimeOptions()), "body", None)


@pytest.fixture
def sdk(world: World, company: Company) -> Sdk:
    return Sdk(world.client("portal"))


def in_thread(work: Callable[[], T]) -> "Deferred[T]":
    return deferToThread(work)


def with_token(sdk: Sdk, operation: str, *path: str, **fields: Any) -> "Deferred[Any]":
    def work() -> Any:
        sdk.generate_token()
        return sdk.call(operation, *path, **fields)

    return deferToThread(work)


@pytest_twisted.ensureDeferred
async def test_generate_token_gives_a_bearer_token_for_twenty_minutes(sdk: Sdk) -> None:
    body = await in_thread(sdk.generate_token)
    assert (body.token_type, body.expires_in) == ("Bearer", 1200)
    assert len(body.access_token) >= 40
    assert body.expires_at > 1_790_000_000


@pytest_twisted.ensureDeferred
async def test_revoke_token_ends_it(sdk: Sdk, company: Company) -> None:
    def work() -> Any:
        sdk.generate_token()
        request = models.RevokeTokenRequest(client_id=sdk.ids[1], client_secret=sdk.secret, token=sdk.token)
        assert sdk.client.revoke_token(*sdk.ids, request).status_code == 200
        return _refusal(lambda: sdk.call("GetUser", company.ann))

    error = await in_thread(work)
    assert (error.status_code, error.code) == (401, "InvalidToken")


def _refusal(work: Callable[[], object]) -> ClientException:
    with pytest.raises(ClientException) as raised:
        work()
    return raised.value


@pytest_twisted.ensureDeferred
async def test_get_application_provisioning_scope(sdk: Sdk) -> None:
    body = await with_token(sdk, "GetApplicationProvisioningScope")
    assert body.organizational_unit_ids == [ROOT_ORGANIZATION_ID]
    assert body.group_ids is None


@pytest_twisted.ensureDeferred
async def test_get_user(sdk: Sdk, company: Company) -> None:
    user = await with_token(sdk, "GetUser", company.ann)
    assert (user.user_id, user.username, user.display_name) == (company.ann, "ann", "Ann Müller")
    assert (user.email, user.email_verified, user.phone_number) == ("Ann@Example.org", False, "+49 30 1234")
    assert (user.status, user.instance_id, user.password_set) == ("enabled", sdk.ids[0], False)
    assert (user.user_source_type, user.user_source_id, user.user_external_id) == ("ldap", "berlin", "ext-ann")
    assert (user.create_time, user.update_time) == (1793520000000, 1793523600000)
    assert user.primary_organizational_unit_id == company.sales
    assert [(u.organizational_unit_id, u.organizational_unit_name, u.primary) for u in user.organizational_units] == [
        (company.sales, "Sales", True),
        (company.it, "IT", False),
    ]
    assert [(g.group_id, g.group_name, g.description) for g in user.groups] == [
        (company.staff, "staff", "All of us"),
        (company.everyone, "everyone", None),
    ]
    assert [(f.field_name, f.field_value) for f in user.custom_fields] == [
        ("given_name", "Ann"),
        ("ssh_public_key", "ssh-ed25519 AAAA"),
        ("ssh_public_key", "ssh-ed25519 BBBB"),
    ]


@pytest_twisted.ensureDeferred
async def test_list_users(sdk: Sdk, company: Company) -> None:
    body = await with_token(sdk, "ListUsers", page_number=2, page_size=2)
    assert body.total_count == 3
    assert [(user.username, user.status) for user in body.data] == [("eve", "enabled")]
    body = await with_token(sdk, "ListUsers", organizational_unit_id=company.team)
    assert [(user.username, user.status, user.display_name) for user in body.data] == [("bob", "disabled", "Bob B.")]


@pytest.mark.parametrize(
    ("operation", "asked", "found"),
    [
        ("GetUserIdByUsername", {"username": "ANN"}, "ann"),
        ("GetUserIdByEmail", {"email": "BOB@example.org"}, "bob"),
        ("GetUserIdByPhoneNumber", {"phone_number": "0049 (30) 12-34"}, "ann"),
        (
            "GetUserIdByUserExternalId",
            {"user_external_id": "ext-eve", "user_source_id": "berlin", "user_source_type": "ldap"},
            "eve",
        ),
    ],
)
@pytest_twisted.ensureDeferred
async def test_the_four_look_ups(sdk: Sdk, company: Company, operation: str, asked: dict[str, str], found: str) -> None:
    body = await with_token(sdk, operation, **asked)
    assert body.user_id == getattr(company, found)


@pytest_twisted.ensureDeferred
async def test_organizational_units(sdk: Sdk, company: Company) -> None:
    unit = await with_token(sdk, "GetOrganizationalUnit", company.sales)
    assert (unit.organizational_unit_name, unit.description, unit.parent_id) == ("Sales", "They sell.", ROOT_ORGANIZATION_ID)
    assert (unit.organizational_unit_source_type, unit.organizational_unit_external_id) == ("ldap", "ext-Sales")
    below = {"parent_id": ROOT_ORGANIZATION_ID, "page_number": 1, "page_size": 100}
    listed = await with_token(sdk, "ListOrganizationalUnits", **below)
    assert ([u.organizational_unit_name for u in listed.data], listed.total_count) == (["IT", "Sales"], 2)
    parents = await with_token(sdk, "ListOrganizationalUnitParentIds", company.team)
    assert parents.parent_ids == [company.sales, ROOT_ORGANIZATION_ID]
    found = await with_token(
        sdk,
        "GetOrganizationalUnitIdByExternalId",
        organizational_unit_external_id="ext-Team",
        organizational_unit_source_id="berlin",
        organizational_unit_source_type="ldap",
    )
    assert found.organizational_unit_id == company.team


@pytest_twisted.ensureDeferred
async def test_groups(sdk: Sdk, company: Company) -> None:
    group = await with_token(sdk, "GetGroup", company.staff)
    assert (group.group_name, group.description, group.group_external_id) == ("staff", "All of us", "ext-staff")
    listed = await with_token(sdk, "ListGroups", group_name_start_with="EVERY")
    assert [found.group_id for found in listed.data] == [company.everyone]
    of_ann = await with_token(sdk, "ListGroupsForUser", company.ann)
    assert [(g.group_id, g.group_member_relation_source_type, g.group_member_relation_source_id) for g in of_ann.data] == [
        (company.staff, "ldap", "berlin"),
        (company.everyone, "ldap", "berlin"),
    ]


@pytest_twisted.ensureDeferred
async def test_group_lists_are_followed_by_their_next_token(sdk: Sdk, company: Company) -> None:
    first = await with_token(sdk, "ListUsersForGroup", company.staff, max_results=2)
    assert ([user.user_id for user in first.data], first.total_count) == ([company.ann, company.bob], 3)
    second = await with_token(sdk, "ListUsersForGroup", company.staff, max_results=2, next_token=first.next_token)
    assert ([user.user_id for user in second.data], second.next_token) == ([company.eve], None)


@pytest_twisted.ensureDeferred
async def test_the_client_reads_our_errors(sdk: Sdk, company: Company) -> None:
    def work() -> ClientException:
        sdk.generate_token()
        return _refusal(lambda: sdk.call("GetUser", "u-999999"))

    error = await in_thread(work)
    assert (error.status_code, error.code) == (404, "ResourceNotFound")
    assert "There is no user u-999999." in error.message
    assert len(error.request_id) == 36


@pytest_twisted.ensureDeferred
async def test_a_write_without_the_grant_is_refused_with_the_place_to_write(sdk: Sdk, company: Company) -> None:
    def work() -> ClientException:
        sdk.generate_token()
        return _refusal(lambda: sdk.call("PatchUser", company.ann, display_name="Anna"))

    error = await in_thread(work)
    assert (error.status_code, error.code) == (403, "Forbidden")
    assert "change it in its source (berlin)" in error.message


@pytest_twisted.ensureDeferred
async def test_every_writing_operation(world: World) -> None:
    """A department with its people and groups, from the first unit to the last deletion."""
    sdk = Sdk(world.client("personnel", grants=frozenset({Grant.WRITE, Grant.PASSWORDS})))
    await in_thread(lambda: _write_everything(sdk))


def _write_everything(sdk: Sdk) -> None:
    sdk.generate_token()
    call = sdk.call
    sales = call("CreateOrganizationalUnit", organizational_unit_name="Sales", description="They sell.").organizational_unit_id
    team = call(
        "CreateOrganizationalUnit", organizational_unit_name="Team", parent_id=sales, organizational_unit_external_id="hr-t"
    ).organizational_unit_id
    call("PatchOrganizationalUnit", team, organizational_unit_name="Team North", description="Up there.")
    it = call("CreateOrganizationalUnit", organizational_unit_name="IT").organizational_unit_id
    call("PatchOrganizationalUnitParentId", team, parent_id=it)
    assert call("GetOrganizationalUnit", team).parent_id == it

    anna = call(
        "CreateUser",
        username="anna",
        display_name="Anna Ng",
        description="Keeps the books.",
        email="anna@example.test",
        email_verified=True,
        phone_number="30 1234",
        phone_region="49",
        phone_number_verified=True,
        password="right horse battery",
        primary_organizational_unit_id=sales,
        user_external_id="hr-1",
        custom_fields=[models.CreateUserRequestCustomFields(field_name="given_name", field_value="Anna")],
    ).user_id
    assert call("CreateUser", username="anna", user_external_id="hr-1").user_id == anna
    call(
        "PatchUser",
        anna,
        username="anna.ng",
        display_name="Anna Nguyen",
        email="a.ng@example.test",
        email_verified=False,
        phone_number="30 99",
        phone_number_verified=False,
        phone_region="49",
        custom_fields=[
            models.PatchUserRequestCustomFields(field_name="badge", field_value="7", operation="add"),
            models.PatchUserRequestCustomFields(field_name="given_name", field_value="Anne", operation="replace"),
        ],
    )
    call("UpdateUserPassword", anna, password="another right one")
    call("AddUserToOrganizationalUnits", anna, organizational_unit_ids=[it])
    call("SetUserPrimaryOrganizationalUnit", anna, organizational_unit_id=it)
    call("RemoveUserFromOrganizationalUnits", anna, organizational_unit_ids=[sales])
    call("DisableUser", anna)
    user = call("GetUser", anna)
    assert (user.username, user.display_name, user.email, user.email_verified) == (
        "anna.ng",
        "Anna Nguyen",
        "a.ng@example.test",
        False,
    )
    assert (user.status, user.password_set, user.phone_region, user.primary_organizational_unit_id) == (
        "disabled",
        True,
        "49",
        it,
    )
    assert [(one.field_name, one.field_value) for one in user.custom_fields] == [("badge", "7"), ("given_name", "Anne")]
    call("EnableUser", anna)

    staff = call("CreateGroup", group_name="staff", group_external_id="hr-g").group_id
    call("PatchGroup", staff, group_name="everyone")
    call("AddUsersToGroup", staff, user_ids=[anna])
    assert [one.user_id for one in call("ListUsersForGroup", staff).data] == [anna]
    call("RemoveUsersFromGroup", staff, user_ids=[anna])
    assert not call("ListUsersForGroup", staff).data

    call("DeleteGroup", staff)
    assert _refusal(lambda: call("DeleteOrganizationalUnit", it)).status_code == 409
    call("DeleteUser", anna)
    for unit in (team, it, sales):
        call("DeleteOrganizationalUnit", unit)
    assert call("ListUsers").total_count == 0
