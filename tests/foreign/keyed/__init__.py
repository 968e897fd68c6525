"""The reference backend as an identity provider would have it: tokens checked with public keys."""
