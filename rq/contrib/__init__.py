"""Integrations with other packages; none of them is imported by RQ itself."""

__all__: list[str] = []
