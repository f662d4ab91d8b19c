"""What a receipt says in, the stamp on a page out: verified when and on what, or not verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from istiolab.page.words import Words
from istiolab.receipt.model import Receipt
from istiolab.receipt.proof import Proof
from istiolab.receipt.store import State, Status

# The most telling first. A notebook that installs Istio itself ran on a cluster without.
_CLUSTER = {"istio": "Istio", "envoy": "Envoy", "kubernetes": "Kubernetes"}
_TOOLS = {"python": "Python", "istiolab": "istiolab"}


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
    facts = _facts(status, status.receipt, words) if status.receipt else {}
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in facts.items())
    return (
        # Every chapter has one: found by a search, it would hide what a chapter is about.
        f'<div class="stamp stamp--{status.state}" role="note" aria-label="{escape(label)}"'
        " data-search-exclude>"
        f'<p class="stamp__state"><strong>{escape(label)}</strong></p>'
        f"<p>{escape(why)}</p>"
        f"{f'<dl>{rows}</dl>' if rows else ''}"
        f'<p class="stamp__links">{_links(links, words)}</p></div>'
    )


def render_brief(status: Status, *, links: Links, words: Words) -> str:
    """Return the stamp in one line: the state, when, on what, and the links.

    What is not verified says why, as the whole stamp does.
    """
    label, why = _said(status, words)
    parts = [] if status.state is State.VERIFIED else [escape(why)]
    if (receipt := status.receipt) is not None:
        parts += [moment(receipt.started_at), *(escape(version) for version in ran_on(receipt)[:1])]
    rest = " · ".join((*parts, _links(links, words)))
    return (
        f'<p class="stamp stamp--brief stamp--{status.state}" role="note"'
        f' aria-label="{escape(label)}" data-search-exclude>'
        f'<strong class="stamp__state">{escape(label)}</strong> · {rest}</p>'
    )


def _said(status: Status, words: Words) -> tuple[str, str]:
    match status.state:
        case State.VERIFIED:
            return words.verified, words.verified_why
        case State.STALE:
            return words.stale, f"{words.stale_why} ({status.reason})"
        case State.FAILING:
            return words.failing, _failing(status, words)
        case State.FAILED:
            return words.failed, f"{words.failed_why} ({status.reason})"
        case State.MISSING:
            return words.missing, words.missing_why


def _failing(status: Status, words: Words) -> str:
    failing = status.failing
    if failing is None:
        return status.reason
    why = words.failing_why.format(
        since=date(failing.since), attempts=failing.attempts, what=failing.what
    )
    return why if status.receipt else f"{why} {words.missing_why}"


def _facts(status: Status, receipt: Receipt, words: Words) -> Mapping[str, str]:
    return {
        words.ran_at: moment(receipt.started_at),
        words.took: escape(duration(receipt.duration_seconds, words)),
        words.versions: escape(" · ".join(_versions(receipt, {**_CLUSTER, **_TOOLS}))),
        words.cluster: escape(receipt.provider),
        words.machine: escape(" · ".join(receipt.machine.values())),
        words.proof: escape(proven(status.proof, words)),
    }


def ran_on(receipt: Receipt) -> tuple[str, ...]:
    """Return the versions of the cluster that a notebook ran on, the most telling one first."""
    return _versions(receipt, _CLUSTER)


def state_label(status: Status, words: Words) -> str:
    """Return the few words for the state of a notebook."""
    return _said(status, words)[0]


def proven(proof: Proof | None, words: Words) -> str:
    """Return in words whether a notebook's causes are proven, and when that was done."""
    if proof is None:
        return words.not_proven
    return words.proof_of.format(count=len(proof.runs), when=date(proof.started_at))


def date(started_at: str) -> str:
    """Return the day of a time, in UTC."""
    return f"{datetime.fromisoformat(started_at).astimezone(UTC):%Y-%m-%d}"


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


def _versions(receipt: Receipt, parts: Mapping[str, str]) -> tuple[str, ...]:
    known = receipt.versions
    return tuple(f"{name} {known[part]}" for part, name in parts.items() if part in known)


def _links(links: Links, words: Words) -> str:
    found = [(words.notebook, links.notebook), (words.download, links.download)]
    if links.receipt:
        found.append((words.receipt, links.receipt))
    return " · ".join(f'<a href="{escape(target)}">{escape(text)}</a>' for text, target in found)
