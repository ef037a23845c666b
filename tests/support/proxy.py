"""The proxy of chaos/proxy.py, under the name that tests know."""

from chaos.proxy import Proxy

__all__ = ['Proxy']
