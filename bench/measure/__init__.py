"""One module per thing that is measured; each answers `{metric: value}` for one system and one round."""

__all__: list[str] = []
