"""Object identifiers of the controls, extended operations and features that the codec has values for, with their documents."""

from typing import Final

# Controls
MANAGE_DSA_IT: Final = "2.16.840.1.113730.3.4.2"  # RFC 3296
DOMAIN_SCOPE: Final = "1.2.840.113556.1.4.1339"  # MS-ADTS 3.1.1.3.4.1.4
PAGED_RESULTS: Final = "1.2.840.113556.1.4.319"  # RFC 2696
SORT_REQUEST: Final = "1.2.840.113556.1.4.473"  # RFC 2891
SORT_RESPONSE: Final = "1.2.840.113556.1.4.474"  # RFC 2891
LIST_REQUEST: Final = "2.16.840.1.113730.3.4.9"  # draft-ietf-ldapext-ldapv3-vlv-09
LIST_RESPONSE: Final = "2.16.840.1.113730.3.4.10"  # draft-ietf-ldapext-ldapv3-vlv-09
SYNC_REQUEST: Final = "1.3.6.1.4.1.4203.1.9.1.1"  # RFC 4533
SYNC_STATE: Final = "1.3.6.1.4.1.4203.1.9.1.2"  # RFC 4533
SYNC_DONE: Final = "1.3.6.1.4.1.4203.1.9.1.3"  # RFC 4533
PERSISTENT_SEARCH: Final = "2.16.840.1.113730.3.4.3"  # draft-ietf-ldapext-psearch
ENTRY_CHANGE: Final = "2.16.840.1.113730.3.4.7"  # draft-ietf-ldapext-psearch; on each entry of a persistent search
CHANGE_NOTIFICATION: Final = "1.2.840.113556.1.4.528"  # MS-ADTS §3.1.1.3.4.1.9
DIRSYNC: Final = "1.2.840.113556.1.4.841"  # [MS-ADTS] §3.1.1.3.4.1.3; request and response
SHOW_DELETED: Final = "1.2.840.113556.1.4.417"  # [MS-ADTS] §3.1.1.3.4.1.14
SHOW_RECYCLED: Final = "1.2.840.113556.1.4.2064"  # [MS-ADTS] §3.1.1.3.4.1.26
EXTENDED_DN: Final = "1.2.840.113556.1.4.529"  # [MS-ADTS] §3.1.1.3.4.1.5
PASSWORD_POLICY: Final = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 - draft-behera-ldap-password-policy; request and response
ASSERTION: Final = "1.3.6.1.1.12"  # RFC 4528
MATCHED_VALUES: Final = "1.2.826.0.1.3344810.2.3"  # RFC 3876
PRE_READ: Final = "1.3.6.1.1.13.1"  # RFC 4527; request and response
POST_READ: Final = "1.3.6.1.1.13.2"  # RFC 4527; request and response
PROXIED_AUTHORIZATION: Final = "2.16.840.1.113730.3.4.18"  # RFC 4370

# Intermediate responses
SYNC_INFO: Final = "1.3.6.1.4.1.4203.1.9.1.4"  # RFC 4533

# Extended operations
START_TLS: Final = "1.3.6.1.4.1.1466.20037"  # RFC 4511 §4.14
NOTICE_OF_DISCONNECTION: Final = "1.3.6.1.4.1.1466.20036"  # RFC 4511 §4.4.1, unsolicited
PASSWORD_MODIFY: Final = "1.3.6.1.4.1.4203.1.11.1"  # noqa: S105 - RFC 3062
WHO_AM_I: Final = "1.3.6.1.4.1.4203.1.11.3"  # RFC 4532
CANCEL: Final = "1.3.6.1.1.8"  # RFC 3909

# Features, as the root DSE lists them
ALL_OPERATIONAL_ATTRIBUTES: Final = "1.3.6.1.4.1.4203.1.5.1"  # RFC 3673: "+"
OBJECT_CLASS_ATTRIBUTES: Final = "1.3.6.1.4.1.4203.1.5.2"  # RFC 4529: "@person"
MODIFY_INCREMENT: Final = "1.3.6.1.1.14"  # RFC 4525
TRUE_FALSE_FILTERS: Final = "1.3.6.1.4.1.4203.1.5.3"  # RFC 4526: "(&)" and "(|)"

# Capabilities, as Active Directory's root DSE lists them
ACTIVE_DIRECTORY: Final = "1.2.840.113556.1.4.800"  # [MS-ADTS] §3.1.1.3.4.3.1
ACTIVE_DIRECTORY_V51: Final = "1.2.840.113556.1.4.1670"  # §3.1.1.3.4.3.3: Windows Server 2003
ACTIVE_DIRECTORY_V60: Final = "1.2.840.113556.1.4.1935"  # §3.1.1.3.4.3.5: Windows Server 2008
ACTIVE_DIRECTORY_V61_R2: Final = "1.2.840.113556.1.4.2080"  # §3.1.1.3.4.3.7: Windows Server 2008 R2
