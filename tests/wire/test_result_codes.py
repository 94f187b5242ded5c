"""The names and numbers of result codes are those of RFC 4511 and of the extensions."""

import sansldap

from gateway.wire.result_codes import ResultCode

LIST_CODES = {ResultCode.SORT_CONTROL_MISSING, ResultCode.OFFSET_RANGE_ERROR, ResultCode.VIRTUAL_LIST_VIEW_ERROR}
"""draft-ietf-ldapext-ldapv3-vlv: the numbers that RFC 4511 leaves between its own."""


def test_the_codes_of_rfc_4511_have_the_numbers_that_others_give_them() -> None:
    renamed = {"STRONG_AUTH_REQUIRED": "STRONGER_AUTH_REQUIRED"}  # sansldap has the name of RFC 2251 here
    theirs = {renamed.get(code.name, code.name): code.value for code in list(sansldap.LDAPResultCode)}
    ours = {code.name: code.value for code in ResultCode if code <= ResultCode.OTHER and code not in LIST_CODES}
    assert ours == theirs


def test_the_codes_of_extensions_have_their_documents_numbers() -> None:
    assert {60, 61, 76} == LIST_CODES
    assert [code for code in ResultCode if code > ResultCode.OTHER] == [118, 119, 120, 121, 122, 123, 4096]
