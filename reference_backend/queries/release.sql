SELECT release_exports(%(ids)s::uuid[], %(tokens)s::uuid[]) AS id
