# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3

# %% [markdown]
# # Is it fair?
#
# Two questions: do the draws give each entry the chance that the rules promise, and did the
# platform do what its own logs say it should have done?

# %%
from datetime import date
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd

import solatium
from solatium.generate.make import generate
from solatium.generate.spec import Spec

# %%
if not Path("warehouse").exists():
    spec = Spec(participations=2000, nights=6, windows=8, first_date=date(2026, 3, 2))
    logs = generate(Path("trial"), spec)
    solatium.run(logs.landing, "warehouse", logs.last_date, settings=logs.config)
tables = solatium.open("warehouse")
f"as of {tables.day}"

# %% [markdown]
# ## Chances by weight
#
# In a weighted lottery an entry draws as many tickets as its weight, and its smallest ticket
# counts. The chance of each entry is computed without this library: every window is drawn a few
# hundred times with random numbers, by the rule alone.

# %%
allocations = tables["allocations"].pandas()
kinds = tables["window_results"].pandas(["commodity_id", "window_id", "policy", "stock"])
drawn = allocations[allocations.ticket.notna()].merge(kinds, on=["commodity_id", "window_id"])
drawn["allocated"] = drawn.outcome.isin(["won", "forfeited", "voided"])
keys = ["commodity_id", "window_id", "entry_id"]
entries = drawn.groupby([*keys, "policy"]).agg(
    size=("size", "first"),
    weight=("weight", "first"),
    stock=("stock", "first"),
    allocated=("allocated", "max"),
    members=("account_id", "size"),
)
entries = entries.reset_index()
len(entries)

# %%
random, rounds = np.random.default_rng(1), 300
chances = []
for _, window in entries.groupby(["commodity_id", "window_id"]):
    size, weight = window["size"].to_numpy(int), window.weight.to_numpy(float)
    won = np.zeros(len(window))
    for _ in range(rounds):
        # the least of w uniform numbers is distributed as 1 - u ** (1 / w)
        ticket = 1 - random.random(len(window)) ** (1 / weight)
        order = np.argsort(ticket)
        taken = np.cumsum(size[order])
        stock = int(window.stock.iloc[0])
        first = np.searchsorted(taken, stock, side="right")  # the first one that does not fit
        won[order[:first]] += 1
        left = stock - (int(taken[first - 1]) if first else 0)
        for place in order[first:]:
            if left < size.min():
                break
            if size[place] <= left:
                won[place] += 1
                left -= size[place]
    chances.append(pd.Series(won / rounds, index=window.index))
entries["chance"] = pd.concat(chances)


# %%
def wilson(won: int, number: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson."""
    z = 1.96
    middle = (won + z * z / 2) / (number + z * z)
    half = z * np.sqrt(won * (number - won) / number + z * z / 4) / (number + z * z)
    return middle - half, middle + half


def beside(column: str, chosen: pd.DataFrame) -> pd.DataFrame:
    """Observed and expected share of winners by a column, with the interval of the observed."""
    found = chosen.groupby(column).agg(
        entries=("allocated", "size"), won=("allocated", "sum"), expected=("chance", "mean")
    )
    found["observed"] = found.won / found.entries
    ends = [wilson(int(row.won), int(row.entries)) for row in found.itertuples()]
    found["low"], found["high"] = zip(*ends, strict=True)
    return found.reset_index()


def chart_of(found: pd.DataFrame, column: str) -> alt.LayerChart:
    base = alt.Chart(found).encode(x=f"{column}:O")
    percent = alt.Axis(format="%", title="share that won")
    observed = base.mark_point(filled=True).encode(y=alt.Y("observed:Q", axis=percent))
    interval = base.mark_rule().encode(y="low:Q", y2="high:Q")
    expected = base.mark_tick(color="orange", thickness=3).encode(y="expected:Q")
    return interval + observed + expected


by_weight = beside("weight", entries[entries.policy == "weighted_lottery"])
by_weight

# %% [markdown]
# Points are what was observed, lines their 95 % intervals, orange marks the theory. About one
# interval in twenty misses its mark by chance alone.

# %%
weight_chart = chart_of(by_weight, "weight")
weight_chart

# %% [markdown]
# ## Chances by size
#
# Large entries do worse, and should: near the end of the stock they no longer fit.

# %%
size_chart = chart_of(beside("size", entries), "size")
size_chart

# %% [markdown]
# ## Replay against platform
#
# Accounts for which the platform and the rules disagree on who won, by date.

# %%
wrong = tables["audit_discrepancies"].pandas(["business_date", "kind"])
wrong["date"] = wrong.business_date.dt.strftime("%m-%d")
by_date = wrong.groupby(["date", "kind"]).size().reset_index(name="accounts")
audit_chart = (
    alt.Chart(by_date, title="Discrepancies")
    .mark_bar()
    .encode(x="date:O", y="accounts:Q", color="kind:N", tooltip=["kind", "accounts"])
)
audit_chart
