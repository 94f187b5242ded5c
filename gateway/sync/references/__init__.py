"""References between the records of one source: members of groups, organizations of users, parents of organizations.

Read in this order:
- reference_names: the names of references in a delta, and the kinds that each may lead to.
- record_names: DNs, ids and login names in references, and the records that have them.
- reference_effects: the difference that references make to objects, collected.
- references: reported references compared with the stored ones.
- membership_deltas, dangling_references, relinked_references: members added and removed one by one; references that waited for
  their target; references of records that went to another object.
- reference_changes: the stage that does all of this.
- reference_release: references from and to records that are removed.
- subtree_renames: the stage that renames the records below a renamed entry.
- reference_attributes: the objects that attributes (manager) refer to, read from references.
- organization_places: the place of objects in the tree, read from references and DNs.

A reference that leads nowhere is stored and waits, so that the order in which records arrive does not matter.
"""
