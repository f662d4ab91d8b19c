"""A language's code in, the words that the page room puts on a page out."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

LANGUAGES = ("en", "zh-TW")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The fixed words of one language; texts in braces are filled in by who uses them."""

    cell_output: str
    """What a screen reader calls the output of `{cell}`."""
    folded_text: str
    """Head of a folded text of `{count}` lines."""
    folded_table: str
    """Head of a folded table of `{count}` rows."""
    verified: str
    """State: it ran as it stands."""
    stale: str
    """State: something changed since it ran."""
    failing: str
    """State: its last run did not pass."""
    failed: str
    """State: the receipt cannot be believed."""
    missing: str
    """State: there is no receipt."""
    verified_why: str
    """What `verified` means."""
    stale_why: str
    """What `stale` means."""
    failing_why: str
    """What `failing` means: since `{since}`, in `{attempts}` runs, at last because of `{what}`."""
    failed_why: str
    """What `failed` means."""
    missing_why: str
    """What `missing` means."""
    ran_at: str
    """Label of the time of the run."""
    took: str
    """Label of its duration."""
    versions: str
    """Label of the versions."""
    machine: str
    """Label of the machine."""
    cluster: str
    """Label of the cluster's provider."""
    proof: str
    """Label of whether its causes are proven."""
    proof_of: str
    """That all `{count}` causes are proven, and `{when}`."""
    not_proven: str
    """That the causes are not proven as they stand."""
    notebook: str
    """Link to the notebook's own page."""
    download: str
    """Link to the notebook's file."""
    receipt: str
    """Link to the receipt's file."""
    board: str
    """What a screen reader calls the table of all notebooks."""
    notebook_name: str
    """Column: the notebook."""
    state: str
    """Column: its state."""
    slowest_cell: str
    """Column: its slowest cell."""
    waits: str
    """Column: its waits for the cluster."""
    waits_of: str
    """How many waits there were, `{count}`, and the longest: for `{what}`, `{seconds}`."""
    ledger: str
    """What a screen reader calls the table of repeated runs."""
    runs: str
    """Column: how many runs."""
    passed_runs: str
    """Column: how many passed."""
    differences: str
    """Column: how many cells differed, over all runs."""
    slowest_run: str
    """Column: the slowest run."""
    claims: str
    """What a screen reader calls the summary of all claims."""
    claims_of: str
    """What a screen reader calls the table of the claims of `{title}`."""
    claim: str
    """Column: the claim."""
    verdict: str
    """Column: what became of it."""
    found: str
    """Column: what was found."""
    evidence: str
    """Column: the cell that shows it."""
    chapter: str
    """Column: the chapter."""
    total: str
    """Row: all chapters together."""
    holds: str
    """Verdict: it is so."""
    condition: str
    """Verdict: it is so under a condition."""
    refuted: str
    """Verdict: it is not so."""
    minutes: str
    """A duration of a minute or more."""
    seconds: str
    """A duration of less than a minute."""


def read_words(language: str) -> Words:
    """Return the words of `language`, one of `LANGUAGES`."""
    text = (files("istiolab.page") / "assets" / "words.toml").read_text(encoding="utf-8")
    return Words(**tomllib.loads(text)[language])
