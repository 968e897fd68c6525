"""Single resources and values of the API: ids, times, digests, evidence, pages."""
