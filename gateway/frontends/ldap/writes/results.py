"""Result codes of writes that were not carried out: tables (RFC 4511 appendix A), and the words of the view for what a source
has."""

from collections.abc import Mapping

from gateway.directory.writes.entry_to_edit import EntryEditor
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.frontends.ldap.core.results import result_of
from gateway.frontends.ldap.writes.authorization import Plan
from gateway.model.errors import InvalidInput, NotFound
from gateway.sync.local.edit_checks import MasteredElsewhere, NameTaken, NotEmpty, PrincipalTaken
from gateway.wire.messages import Result
from gateway.wire.result_codes import ResultCode

_RESULTS: Mapping[type[Exception], ResultCode] = {
    NameTaken: ResultCode.ENTRY_ALREADY_EXISTS,
    PrincipalTaken: ResultCode.CONSTRAINT_VIOLATION,
    NotEmpty: ResultCode.NOT_ALLOWED_ON_NON_LEAF,
    NotFound: ResultCode.NO_SUCH_OBJECT,
    InvalidInput: ResultCode.CONSTRAINT_VIOLATION,
}

_VIOLATIONS: Mapping[Violation, ResultCode] = {
    Violation.PROTOCOL: ResultCode.PROTOCOL_ERROR,
    Violation.NO_SUCH_ATTRIBUTE: ResultCode.NO_SUCH_ATTRIBUTE,
    Violation.UNDEFINED_TYPE: ResultCode.UNDEFINED_ATTRIBUTE_TYPE,
    Violation.CONSTRAINT: ResultCode.CONSTRAINT_VIOLATION,
    Violation.EXISTS: ResultCode.ATTRIBUTE_OR_VALUE_EXISTS,
    Violation.SYNTAX: ResultCode.INVALID_ATTRIBUTE_SYNTAX,
    Violation.UNWILLING: ResultCode.UNWILLING_TO_PERFORM,
    Violation.NAMING: ResultCode.NAMING_VIOLATION,
    Violation.OBJECT_CLASS: ResultCode.OBJECT_CLASS_VIOLATION,
    Violation.ON_RDN: ResultCode.NOT_ALLOWED_ON_RDN,
    Violation.CLASS_CHANGE: ResultCode.OBJECT_CLASS_MODS_PROHIBITED,
}


def write_result_of(error: Exception, plan: Plan | None) -> Result:
    """Return the result that gives a client the reason why its write was not carried out."""
    if isinstance(error, WriteRefused):
        return Result(_VIOLATIONS[error.violation], "", str(error))
    if isinstance(error, MasteredElsewhere):
        return Result(ResultCode.UNWILLING_TO_PERFORM, "", _mastered(error, plan))
    code = next((code for kind, code in _RESULTS.items() if isinstance(error, kind)), None)
    return result_of(error) if code is None else Result(code, "", str(error))


def _mastered(error: MasteredElsewhere, plan: Plan | None) -> str:
    """Return the sentence in the view's words where it has some for the attribute."""
    name = EntryEditor(plan.kind, plan.view).shown_as(error.attribute) if plan is not None and error.attribute else ""
    if not name:
        return str(error)
    return f"{name} of this entry comes from the source {error.source_id}; change it there and it follows by itself"
