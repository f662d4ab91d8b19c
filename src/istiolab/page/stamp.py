"""What a receipt says in, the stamp on a page out: verified when and on what, or not verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from istiolab.page.words import Words
from istiolab.receipt.model import Receipt
from istiolab.receipt.store import State, Status

_PARTS = {
    "istio": "Istio",
    "envoy": "Envoy",
    "kubernetes": "Kubernetes",
    "python": "Python",
    "istiolab": "istiolab",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses, relative to the page that carries the stamp."""

    notebook: str
    """The notebook's own page."""
    download: str
    """The notebook's file."""
    receipt: str | None
    """The receipt's file, if there is one."""


def render_stamp(status: Status, *, links: Links, words: Words) -> str:
    """Return the stamp as one block of HTML."""
    label, why = _said(status, words)
    facts = _facts(status.receipt, words) if status.receipt else {}
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in facts.items())
    return (
        f'<div class="stamp stamp--{status.state}" role="note" aria-label="{escape(label)}">'
        f'<p class="stamp__state"><strong>{escape(label)}</strong></p>'
        f"<p>{escape(why)}</p>"
        f"{f'<dl>{rows}</dl>' if rows else ''}"
        f'<p class="stamp__links">{_links(links, words)}</p></div>'
    )


def _said(status: Status, words: Words) -> tuple[str, str]:
    match status.state:
        case State.VERIFIED:
            return words.verified, words.verified_why
        case State.STALE:
            return words.stale, words.stale_why
        case State.FAILED:
            return words.failed, f"{words.failed_why} ({status.reason})"
        case State.MISSING:
            return words.missing, words.missing_why


def _facts(receipt: Receipt, words: Words) -> Mapping[str, str]:
    versions = [
        f"{name} {receipt.versions[part]}"
        for part, name in _PARTS.items()
        if part in receipt.versions
    ]
    return {
        words.ran_at: moment(receipt.started_at),
        words.took: escape(duration(receipt.duration_seconds, words)),
        words.versions: escape(" · ".join(versions)),
        words.cluster: escape(receipt.provider),
        words.machine: escape(" · ".join(receipt.machine.values())),
    }


def state_label(status: Status, words: Words) -> str:
    """Return the few words for the state of a notebook."""
    return _said(status, words)[0]


def moment(started_at: str) -> str:
    """Return a time as HTML."""
    time = datetime.fromisoformat(started_at).astimezone(UTC)
    return f'<time datetime="{escape(started_at)}">{time:%Y-%m-%d %H:%M} UTC</time>'


def duration(duration_seconds: float, words: Words) -> str:
    """Return a duration in words."""
    minutes, seconds = divmod(round(duration_seconds), 60)
    if minutes:
        return words.minutes.format(minutes=minutes, seconds=seconds)
    return words.seconds.format(seconds=seconds)


def _links(links: Links, words: Words) -> str:
    found = [(words.notebook, links.notebook), (words.download, links.download)]
    if links.receipt:
        found.append((words.receipt, links.receipt))
    return " · ".join(f'<a href="{escape(target)}">{escape(text)}</a>' for text, target in found)
