"""What the suite imports as `test.config`: where the server is, and how its tests make entries. The names are the suite's.

The tests run alike on both servers: below units of a tree, users are named by cn."""

import itertools
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import ldap3

SETTINGS = json.loads(os.environ["LDAP3_SUITE"])
"""`port`, `ssl_port`, `base`, `user`, `password`, `ca`."""

_base = SETTINGS["base"]
test_server, test_port, test_port_ssl = "127.0.0.1", SETTINGS["port"], SETTINGS["ssl_port"]
test_server_type = "SLAPD"
test_server_mode = ldap3.IP_SYSTEM_DEFAULT
test_strategy = ldap3.SYNC
test_lazy_connection = False
test_get_info = ldap3.ALL
test_check_names = True
test_authentication = ldap3.SIMPLE
test_auto_escape = test_auto_encode = True
test_validator: dict[str, Any] = {}
test_pooling_strategy, test_pooling_active, test_pooling_exhaust = ldap3.ROUND_ROBIN, 20, 15
test_base, test_moved = f"ou=fixtures,{_base}", f"ou=moved,{_base}"
test_root_partition = test_server_context = test_server_edir_name = ""
test_name_attr, test_int_attr = "cn", "gidNumber"
test_multivalued_attribute, test_singlevalued_attribute = "givenName", "employeeNumber"
test_user = test_secondary_user = test_sasl_user_dn = test_sasl_secondary_user_dn = SETTINGS["user"]
test_password = test_secondary_password = SETTINGS["password"]
test_sasl_user = test_sasl_secondary_user = test_ntlm_user = "nobody"
test_sasl_password = test_sasl_secondary_password = test_ntlm_password = "none"
test_sasl_realm = None
test_user_password = "Rc2597pfop"
test_ca_cert_file, test_user_cert_file, test_user_key_file = SETTINGS["ca"], "", ""
test_valid_names = ["127.0.0.1", "localhost"]

_uid_numbers = itertools.count(20_000)


def random_id() -> str:
    return f"t{secrets.token_hex(3)}"


def generate_dn(base: str, batch_id: str, name: str) -> str:
    return f"{test_name_attr}={batch_id}{name},{base}"


def get_connection(
    bind: bool | None = None,
    use_ssl: bool | None = None,
    check_names: bool | None = None,
    lazy_connection: bool | None = None,
    authentication: str | None = None,
    sasl_mechanism: str | None = None,
    sasl_credentials: Any = None,
    ntlm_credentials: tuple[Any, Any] = (None, None),
    get_info: str | None = None,
    usage: bool | None = None,
    internal_decoder: bool | None = None,
    simple_credentials: tuple[Any, Any] = (None, None),
    receive_timeout: int | None = None,
    auto_escape: bool | None = None,
    auto_encode: bool | None = None,
) -> ldap3.Connection:
    kind = authentication or test_authentication
    user, password = {
        ldap3.NTLM: ntlm_credentials,
        ldap3.SIMPLE: (simple_credentials[0] or test_user, simple_credentials[1] or test_password),
    }.get(kind, (None, None))
    port = test_port_ssl if use_ssl else test_port
    server = ldap3.Server(test_server, port, use_ssl=bool(use_ssl), get_info=get_info or test_get_info, mode=test_server_mode)
    return ldap3.Connection(
        server,
        user,
        password,
        authentication=kind,
        sasl_mechanism=sasl_mechanism,
        sasl_credentials=sasl_credentials,
        auto_bind=bind is not False,
        client_strategy=test_strategy,
        lazy=bool(lazy_connection),
        check_names=check_names is not False,
        collect_usage=usage is not False,
        fast_decoder=internal_decoder is not False,
        receive_timeout=receive_timeout,
        auto_escape=auto_escape is not False,
        auto_encode=auto_encode is not False,
    )


def get_response_values(result: Any, connection: ldap3.Connection) -> tuple[Any, Any, Any, Any]:
    return result, connection.result, connection.response, connection.request


def drop_connection(connection: ldap3.Connection, dn_to_delete: Iterable[tuple[str, Any]] = ()) -> None:
    for dn, _ in reversed(list(dn_to_delete or ())):
        connection.delete(dn)
    connection.unbind()


def get_add_user_attributes(
    batch_id: str,
    username: str,
    password: str | None = None,  # noqa: ARG001 (the suite gives one; none of its tests binds by it)
    attributes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        **(attributes or {}),
        "objectClass": ["inetOrgPerson", "posixAccount", "top"],
        "sn": username,
        "cn": f"{batch_id}{username}",
        "uid": f"{batch_id}{username}",
        "uidNumber": next(_uid_numbers),
        "gidNumber": 0,
        "homeDirectory": "/home/person",
    }


def _octets(value: Any) -> Any:
    if isinstance(value, list):
        return [_octets(one) for one in value]
    return value.encode() if isinstance(value, str) else value


def _added(connection: ldap3.Connection, dn: str, attributes: dict[str, Any], as_bytes: bool) -> tuple[str, Any]:
    connection.add(dn, None, {name: _octets(value) for name, value in attributes.items()} if as_bytes else attributes)
    if connection.result["description"] != "success":
        raise AssertionError(f"{dn} cannot be made: {connection.result}")
    return dn, connection.result


def add_user(
    connection: ldap3.Connection,
    batch_id: str,
    username: str,
    password: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    test_bytes: bool = False,
) -> tuple[str, Any]:
    made = get_add_user_attributes(batch_id, username, password, attributes)
    return _added(connection, generate_dn(test_base, batch_id, username), made, test_bytes)


def add_group(
    connection: ldap3.Connection, batch_id: str, groupname: str, members: Iterable[Any] = (), test_bytes: bool = False
) -> tuple[str, Any]:
    made = {"objectClass": "groupOfNames", "member": [dn for dn, _ in members or ()]}
    return _added(connection, f"cn={batch_id}{groupname},ou=groups,{_base}", made, test_bytes)
