"""What belongs to whom: requests made from the OpenAPI document, and what answers give away."""
