"""Rules, pure: no module here reads the store.

- authority: which source decides an attribute.
- correlation: how records find objects, reactions to situations, login names that several claim, and the sentences about them.
- correlation_keys: values in the form in which they are compared.
- correlation_syntax: rules as an administrator writes them.
- contributing_records: the records of an object that count.
- disablement: when a source leaves a user disabled behind, and when that is over.
- object_attributes: an object's attributes with those that are fields of it.
- object_ids: new ids.
"""
