"""Checks `tenancy.*`: no organization reads or changes what belongs to another."""
