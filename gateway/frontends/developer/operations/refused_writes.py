"""The API's writing operations: known, and refused with a sentence that says where to write instead.

Every user, unit and group comes from a source and is mastered there; what was written here would be undone by its next report.
(Passwords are another matter: passwords.py.)"""

from collections.abc import Callable

from gateway.frontends.developer.records.caller import CallerView
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Request
from gateway.model.objects import Origin


def _refuse(view: CallerView, subject: str, origin: Origin | None, readable: bool) -> HttpError:
    if origin is None:
        sentence = f"{subject} are mastered in the sources of this gateway; create them there."
    elif origin.source_id == view.caller.instance_id:
        sentence = f"{subject} belongs to the gateway itself and cannot be written over this API."
    else:
        sentence = f"{subject} is mastered in the source {origin.source_id} ({origin.source_type}); write there."
    return HttpError(405, "OperationNotSupported", sentence, headers={"Allow": "GET, HEAD" if readable else ""})


def write_user(view: CallerView, request: Request) -> object:
    """Any write to one user."""
    user = view.directory.user(request.arguments["user_id"])
    raise _refuse(view, f"User {user.id}", user.origin, "/actions/" not in request.path)


def write_unit(view: CallerView, request: Request) -> object:
    """Any write to one organizational unit."""
    unit = view.directory.organization(request.arguments["organizational_unit_id"])
    raise _refuse(view, f"Organizational unit {unit.id}", unit.origin, not request.path.endswith("/parentId"))


def write_group(view: CallerView, request: Request) -> object:
    """Any write to one group or its members."""
    group = view.directory.group(request.arguments["group_id"])
    raise _refuse(view, f"Group {group.id}", group.origin, "/actions/" not in request.path)


def create(subject: str) -> Callable[[CallerView, Request], object]:
    """The making of a user, a unit or a group."""

    def refuse(view: CallerView, request: Request) -> object:  # noqa: ARG001
        raise _refuse(view, subject, None, readable=True)

    return refuse


def user_info(view: CallerView, request: Request) -> object:  # noqa: ARG001
    """GetUserInfo: about the user a token stands for; the tokens given here stand for applications."""
    raise HttpError(403, "InsufficientScope", "This token stands for an application, not for a user; use GET /users/….")
