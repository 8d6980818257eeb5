"""Conditions on what runs measured, for a build that is to fail where they do not hold."""
