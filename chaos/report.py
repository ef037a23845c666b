"""Runs as text for people, and the page of all faults (docs/chaos.md)."""

from __future__ import annotations

from chaos.harness import Run, Settings
from chaos.plan import build

__all__ = ['plan', 'run']

FINDINGS_SHOWN = 30


def plan(settings: Settings) -> str:
    """The plan of a seed, a step a line."""
    steps = build(settings.seed, settings.seconds, settings.names, settings.faults_a_second)
    return '\n'.join([f'seed {settings.seed}: {len(steps)} faults', *map(str, steps)])


def run(done: Run) -> str:
    """A run in a few lines; with its plan, its history and the ledger's lines if it broke a promise."""
    settings, report = done.settings, done.report
    lines = [f'{settings.target.key}, seed {settings.seed}, {settings.seconds:.0f} s, {len(done.plan)} faults']
    lines += ['  ' + ', '.join(f'{name} {value:g}' for name, value in report.numbers.items())]
    lines += ['  ' + ', '.join(f'{name}: {count}' for name, count in report.counts().items())]
    if report.findings:
        lines += _evidence(done)
    return '\n'.join(lines)


def _evidence(done: Run) -> list[str]:
    findings = done.report.findings
    lines = [f'  {f.kind}: job {f.number}: {f.text}' for f in findings[:FINDINGS_SHOWN]]
    if len(findings) > FINDINGS_SHOWN:
        lines.append(f'  ... and {len(findings) - FINDINGS_SHOWN} more')
    lines += ['  the plan:', *(f'    {step}' for step in done.plan)]
    lines += ['  what was done:', *(f'    {line}' for line in done.history)]
    for number, tail in done.tails.items():
        lines += [f'  the ledger of job {number}:', *(f'    {line}' for line in tail)]
    lines.append(f'  logs: {done.folder}')
    lines.append(f'  again: {_command(done.settings)}')
    return lines


def _command(told: Settings) -> str:
    """What runs the same plan again."""
    parts = ['python -m chaos', f'--seed {told.seed} --seconds {told.seconds:g} --faults {",".join(told.names)}']
    parts.append(f'--rate {told.rate:g} --burst {told.burst} --often {told.faults_a_second:g}')
    parts.append('--hurry' if told.target.settings else f'--target {told.target.key}')
    return ' '.join(parts)
