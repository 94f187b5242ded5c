"""The parts that several operations share, as frozen values, the ASN.1 of RFC 4511 above each."""

from dataclasses import dataclass, field

# LDAPResult ::= SEQUENCE {
#      resultCode         ENUMERATED { success (0), … },
#      matchedDN          LDAPDN,
#      diagnosticMessage  LDAPString,
#      referral           [3] Referral OPTIONAL }    -- SEQUENCE SIZE (1..MAX) OF uri URI


@dataclass(frozen=True, slots=True)
class Result:
    """RFC 4511 §4.1.9; the part that all final responses share."""

    code: int
    matched_dn: str = ""
    diagnostic_message: str = ""
    referrals: tuple[str, ...] = ()


# PartialAttribute ::= SEQUENCE {
#      type       AttributeDescription,
#      vals       SET OF value AttributeValue }


@dataclass(frozen=True, slots=True)
class PartialAttribute:
    """RFC 4511 §4.1.7. The description as spelled, options included; values in the order of the wire, possibly none."""

    type: str
    values: tuple[bytes, ...] = field(default=(), repr=False)
