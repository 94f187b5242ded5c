"""Plan nodes of memberships: who lists whom, directly, through groups, or by login name. Pure.

`parameter` is the number of the SQL parameter with the DN key (or the login's key)."""

from collections.abc import Mapping

from gateway.directory.planning.plan_nodes import PlanNode

PRESENCE: Mapping[str, str] = {
    "member": "EXISTS (SELECT 1 FROM member m WHERE m.group_entry = e.id)",
    "memberof": "EXISTS (SELECT 1 FROM member m WHERE m.member_entry = e.id)",
}
"""Link attribute → the condition that an entry has it."""


def groups_of(parameter: str) -> PlanNode:
    """Return the node for groups that have the entry with this DN as a direct member."""
    return _linked("group_entry", "member_entry", parameter, cost=20)


def members_of(parameter: str) -> PlanNode:
    """Return the node for direct members of the group with this DN."""
    return _linked("member_entry", "group_entry", parameter, cost=500)


def groups_in_chain(parameter: str) -> PlanNode:
    """Return the node for groups that list the entry with this DN, or list such a group."""
    return _chain("group_entry", "member_entry", parameter, cost=50)


def members_in_chain(parameter: str) -> PlanNode:
    """Return the node for entries that the group with this DN lists, or that such a group lists."""
    return _chain("member_entry", "group_entry", parameter, cost=1_000)


def groups_of_login(parameter: str, uid: int) -> PlanNode:
    """Return the node for groups that have an entry with this login name as a direct member. `uid`: the attribute's id."""
    query = f"FROM value v JOIN member m ON m.member_entry = v.entry WHERE v.attribute = {uid} AND v.value = {parameter}"
    condition = f"EXISTS (SELECT 1 {query} AND m.group_entry = e.id)"
    return PlanNode(condition, driver=f"SELECT m.group_entry AS entry {query}", cost=20)


def _linked(found: str, known: str, parameter: str, cost: int) -> PlanNode:
    query = f"FROM member m WHERE m.{known} = (SELECT id FROM entry WHERE dn_key = {parameter})"
    return PlanNode(f"EXISTS (SELECT 1 {query} AND m.{found} = e.id)", driver=f"SELECT m.{found} AS entry {query}", cost=cost)


def _chain(found: str, known: str, parameter: str, cost: int) -> PlanNode:
    # UNION, not UNION ALL: groups may list each other in cycles.
    query = f"""WITH RECURSIVE chain (entry) AS (
        SELECT {found} FROM member WHERE {known} = (SELECT id FROM entry WHERE dn_key = {parameter})
        UNION SELECT m.{found} FROM chain c CROSS JOIN member m ON m.{known} = c.entry
    ) SELECT entry FROM chain"""
    return PlanNode(f"e.id IN ({query})", driver=query, cost=cost, heavy=True)
