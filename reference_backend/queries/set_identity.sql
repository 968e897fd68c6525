-- Sets the role and the claims of this transaction; both settings end with it.
SELECT set_config('role', %(role)s, true), set_config('request.jwt.claims', %(claims)s, true)
