SELECT complete_exports(
    %(ids)s::uuid[], %(tokens)s::uuid[], %(storage_paths)s::text[], %(object_sha256s)s::text[],
    %(object_sizes)s::bigint[], %(manifests)s::text[], %(manifest_hashes)s::text[]
) AS id
