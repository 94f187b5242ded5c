"""Searching, as far as several operations need it (Search, Compare, the assertion control, subscriptions, writes).

request: a name, its view, the prepared search, the end of an answer. request_controls: the controls of a search as one value.
virtual_entry: entries in memory; root_dse: the two that no view has; domain_controller: what views of kind `ad` have beside
their domain. search_audit: who searched for what. streaming: a large search in slices, at the client's pace. paged_results:
searches that stay open between two requests. assertion and virtual_list_view: the two controls that need all of these."""
