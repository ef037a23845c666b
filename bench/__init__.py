"""The benchmark: Packhorse and released RQ side by side on one Valkey (`python -m bench`)."""

__all__: list[str] = []
