# django-auth-ldap (Django; NetBox, Seafile, ...): log-in, only for a group; names, groups and flags come along.
# Gateway: a view of kind openldap, an application (gateway application add sample-portal).
# Tested with django-auth-ldap 5.4 from PyPI (django-auth-ldap).
#
# In settings.py: from .settings_ldap import *
import ldap
from django_auth_ldap.config import GroupOfNamesType, LDAPSearch

AUTHENTICATION_BACKENDS = ["django_auth_ldap.backend.LDAPBackend", "django.contrib.auth.backends.ModelBackend"]

AUTH_LDAP_SERVER_URI = "ldap://127.0.0.1:3890"
AUTH_LDAP_BIND_DN = "cn=sample-portal,ou=applications,dc=directory,dc=example"
AUTH_LDAP_BIND_PASSWORD = "application-secret"
AUTH_LDAP_USER_SEARCH = LDAPSearch("ou=people,dc=directory,dc=example", ldap.SCOPE_SUBTREE, "(uid=%(user)s)")
AUTH_LDAP_USER_ATTR_MAP = {"first_name": "givenName", "last_name": "sn", "email": "mail"}

# Groups are read as the application, not as the person, who sees the own entry only.
AUTH_LDAP_GROUP_SEARCH = LDAPSearch("ou=groups,dc=directory,dc=example", ldap.SCOPE_SUBTREE, "(objectClass=groupOfNames)")
AUTH_LDAP_GROUP_TYPE = GroupOfNamesType(name_attr="cn")
AUTH_LDAP_BIND_AS_AUTHENTICATING_USER = False
AUTH_LDAP_REQUIRE_GROUP = "cn=vpn-users,ou=groups,dc=directory,dc=example"
AUTH_LDAP_USER_FLAGS_BY_GROUP = {"is_staff": "cn=administrators,ou=groups,dc=directory,dc=example"}
AUTH_LDAP_MIRROR_GROUPS = True
