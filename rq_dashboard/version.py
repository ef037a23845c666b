"""The version of the package whose name this is."""

from rq.version import PACKHORSE_VERSION as VERSION

__all__ = ['VERSION']
