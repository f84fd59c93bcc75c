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
# group, and why one account lost. The file lacks some facts; `solatium demo` says which are made
# up. docs/tables.md says what the columns mean.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import altair as alt
import pandas as pd

import solatium
from solatium.demo.landing import write_landing

# %% [markdown]
# The logs, and one night: all windows are drawn on it. The embedded engine runs in this process,
# and ends with the night.

# %%
temporary = TemporaryDirectory(prefix="first-look-")
folder = Path(temporary.name)
facts = write_landing(folder / "landing", nights=1)
solatium.run(
    folder / "landing",
    folder / "warehouse",
    str(facts.draw_nights[0]),
    settings=facts.configuration,
)

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
# ## Why one account lost
#
# An explanation has the draw's ticket, with the text that it is the hash of, and says what the loss
# was worth. The other notebooks go on from here: who keeps losing, whether draws are fair, and what
# other bonuses would cost.

# %%
loser = allocations[allocations.outcome == "lost"].sort_values("ticket").iloc[-1]
tables.explain(loser.account_id, commodity=loser.commodity_id, window=loser.window_id)

# %%
temporary.cleanup()
