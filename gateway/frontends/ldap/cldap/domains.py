"""The domains that are here: those of the views of kind `ad`, while they are searched."""

from uuid import NAMESPACE_OID, uuid5

from gateway.frontends.ldap.cldap.netlogon import DomainNames
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.search.domain_controller import SITE, Controller


def domain_of(services: Services, name: str) -> DomainNames | None:
    """Return the names of the domain with this DNS name, or, for "", of the first view's; None when it is not here, or its view
    is being built."""
    directory = services.directory
    for view in directory.views:
        if view.kind == "ad" and name in ("", view.domain.lower()):
            if directory.followers[view.name].reader is None:
                return None
            controller = Controller(view, services.host_name)
            guid = uuid5(NAMESPACE_OID, view.base.key)  # as the objectGUID of the view's base
            return DomainNames(guid, view.domain, controller.dns_name, view.netbios, controller.server, SITE)
    return None
