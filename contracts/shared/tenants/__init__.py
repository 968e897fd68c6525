"""The operations of the OpenAPI document, and a tenant that owns one of everything."""
