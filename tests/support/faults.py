"""The actions of chaos/actions.py, under the name that tests know."""

from chaos.actions import Action, black_hole, cut_all, delay, delay_reply, drop_reply, drop_request, error, pass_on

__all__ = [
    'Action', 'black_hole', 'cut_all', 'delay', 'delay_reply', 'drop_reply', 'drop_request', 'error', 'pass_on',
]  # fmt: skip
