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
# ---

# %% [markdown]
# # A first look
#
# A night of a real lottery: the 36,695 applications of 2021 for overnight permits in the
# Enchantments. This notebook shows who was qualified, who won and who lost by the size of their
# group, who keeps failing, and what consolation costs. The file lacks some facts; `solatium demo`
# says which are made up. docs/tables.md says what the columns mean.

# %%
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import altair as alt
import pandas as pd
from rich.console import Console

import solatium
from solatium.demo.landing import write_landing
from solatium.nightly.run import Request, run
from solatium.settings.load import from_mapping
from solatium.storage.location import Location

# %% [markdown]
# The logs, and one night: all windows are drawn on it. The embedded engine runs in this process,
# and ends with the night.

# %%
temporary = TemporaryDirectory(prefix="first-look-")
folder = Path(temporary.name)
facts = write_landing(folder / "landing", nights=1)
request = Request(
    landing=Location(folder / "landing"),
    warehouse=Location(folder / "warehouse"),
    settings=from_mapping(facts.configuration),
    engine="embedded",
    day=facts.draw_nights[0],
)
report = run(request, Console(quiet=True))
pd.DataFrame(report.results)

# %% [markdown]
# Reading needs no engine: `solatium.open` gives all tables as of the newest night, or of the night
# of a date (`as_of="2021-03-10"`). Take a table as Arrow, pandas, Polars, DuckDB or Spark, with all
# or some of its columns and rows.

# %%
tables = solatium.open(folder / "warehouse")
tables["allocations"]

# %% [markdown]
# ## The funnel

# %%
stages = ["participants", "qualified", "ready", "entries", "winners"]
results = tables["window_results"].pandas(columns=stages)
funnel = results.sum().rename_axis("stage").reset_index(name="accounts")
funnel_chart = (
    alt.Chart(funnel, title="From application to permit")
    .mark_bar()
    .encode(x="accounts:Q", y=alt.Y("stage:N", sort=stages), tooltip=["stage", "accounts"])
)
funnel_chart

# %% [markdown]
# Why participants were not qualified; a participant may have several reasons. The query is SQL for
# DuckDB, which reads only the columns that it needs.

# %%
screened = tables["screened_participants"].duckdb()
reasons = screened.query(
    "screened",
    "select reason, count(*) as count from screened, unnest(reasons) as u(reason) group by reason",
).df()
reason_chart = alt.Chart(reasons).mark_bar().encode(x="count:Q", y=alt.Y("reason:N", sort="-x"))
reason_chart

# %% [markdown]
# ## Who won, by the size of the group
#
# An entry that no longer fits is passed over, and the next one is tried: this favours small groups.
# The last columns show how groups of that size really did.

# %%
allocations = tables["allocations"].pandas()
allocations["drawn"] = allocations.outcome.isin(["won", "forfeited", "voided"])
by_account = allocations.groupby("account_id").agg(size=("quantity", "max"), drawn=("drawn", "max"))
replay = by_account.groupby("size").drawn.mean().reset_index(name="share")
real = pd.DataFrame(
    {"size": fact.size, "share": fact.awarded / fact.applications} for fact in facts.by_size
)
by_size = pd.concat([replay.assign(draw="replay"), real.assign(draw="really")])
size_chart = (
    alt.Chart(by_size, title="Applicants that were drawn")
    .mark_bar()
    .encode(
        x=alt.X("size:O", title="people in the group"),
        xOffset="draw:N",
        y=alt.Y("share:Q", axis=alt.Axis(format="%")),
        color="draw:N",
    )
)
size_chart

# %% [markdown]
# Anyone can check a draw: a ticket is the beginning of a hash of public values.

# %%
one = allocations.dropna(subset="ticket").sort_values("ticket").iloc[0]
place = [("commodity_id", "=", one.commodity_id), ("window_id", "=", one.window_id)]
seed = tables["windows"].pandas(["draw_seed"], place).draw_seed.dropna().iloc[0]
said = f"{seed}|{one.commodity_id}|{one.window_id}|{one.entry_id}|0"
assert sha256(said.encode()).hexdigest()[:16] == one.ticket
said, one.ticket, one.outcome

# %% [markdown]
# ## Who keeps failing
#
# Most applicants named three choices, and each lost choice counts.

# %%
history = tables["account_history"].pandas(["consecutive_failures"])
streaks = history.value_counts().reset_index(name="accounts")
streaks = streaks.rename(columns={"consecutive_failures": "failures in a row"})
streak_chart = alt.Chart(streaks).mark_bar().encode(x="failures in a row:O", y="accounts:Q")
streak_chart

# %% [markdown]
# ## What consolation costs
#
# The cost by the tier of the streak, and the cost of the same losses with other amounts.

# %%
awards = tables["bonus_awards"].pandas().groupby(["consecutive_failures", "reason"])
awards.agg(awards=("amount", "size"), amount=("amount", "sum")).reset_index()

# %%
losses = tables["account_outcomes"].pandas(filter=[("result", "=", "lost")])
reached = losses.consecutive_failures.value_counts()
plans = {
    "1.00 from the 2nd": (2, "1.00"),
    "1.00 from the 1st": (1, "1.00"),
    "2.00 at 3": (3, "2.00"),
}
costs = pd.DataFrame(
    {
        "plan": plan,
        "cost": float(Decimal(amount) * int(reached[reached.index >= first].sum())),
    }
    for plan, (first, amount) in plans.items()
)
cost_chart = (
    alt.Chart(costs, title=f"Cost of other plans, {facts.currency}")
    .mark_bar()
    .encode(x="cost:Q", y="plan:N")
)
cost_chart

# %%
temporary.cleanup()
