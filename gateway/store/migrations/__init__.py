"""The steps by which a store of any age comes to the present schema (Alembic). A step that was released is never changed."""
