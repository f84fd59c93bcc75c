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
# Enchantments. Who was qualified, who won and who lost by the size of their group, who keeps
# failing, and what consolation costs. What is made up, as the file lacks it, `solatium demo` tells;
# what the columns mean is in docs/tables.md.

# %%
from contextlib import ExitStack
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import altair as alt
import pandas as pd
from pyspark.sql import functions as F
from rich.console import Console

from solatium import engine
from solatium.demo.landing import write_landing
from solatium.night import TABLES
from solatium.run import Request, run
from solatium.settings import from_mapping
from solatium.storage import Location
from solatium.warehouse import Warehouse

# %% [markdown]
# The logs, and one night: all windows are drawn on it. The embedded engine runs in this process;
# it stays for the questions that follow.

# %%
open_things = ExitStack()
folder = Path(open_things.enter_context(TemporaryDirectory(prefix="first-look-")))
running = open_things.enter_context(engine.running("embedded"))
facts = write_landing(folder / "landing", nights=1)
request = Request(
    landing=Location(folder / "landing"),
    warehouse=Location(folder / "warehouse"),
    settings=from_mapping(facts.configuration),
    engine="embedded",
    day=facts.draw_nights[0],
)
report = run(request, Console(quiet=True), running)
warehouse = Warehouse(running, request.warehouse, TABLES)
pd.DataFrame(report.results)

# %% [markdown]
# ## The funnel

# %%
stages = ["participants", "qualified", "ready", "entries", "winners"]
results = warehouse.read("window_results")
funnel = results.agg(*(F.sum(stage).alias(stage) for stage in stages)).toPandas()
funnel = funnel.melt(var_name="stage", value_name="accounts")
funnel_chart = (
    alt.Chart(funnel, title="From application to permit")
    .mark_bar()
    .encode(x="accounts:Q", y=alt.Y("stage:N", sort=stages), tooltip=["stage", "accounts"])
)
funnel_chart

# %% [markdown]
# Why participants were not qualified; one may have several reasons.

# %%
reasons = (
    warehouse.read("screened_participants")
    .select(F.explode("reasons").alias("reason"))
    .groupBy("reason")
    .count()
    .toPandas()
)
reason_chart = alt.Chart(reasons).mark_bar().encode(x="count:Q", y=alt.Y("reason:N", sort="-x"))
reason_chart

# %% [markdown]
# ## Who won, by the size of the group
#
# An entry that no longer fits what is left is passed over, and the next one is tried: that favours
# small groups. Beside it, how groups of that size really fared.

# %%
allocations = warehouse.read("allocations")
by_account = allocations.groupBy("account_id").agg(
    F.max("quantity").alias("size"),
    F.max(F.col("outcome").isin("won", "forfeited", "voided").cast("int")).alias("drawn"),
)
replay = by_account.groupBy("size").agg(F.avg("drawn").alias("share")).toPandas()
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
# Anyone can check a draw: a ticket is the beginning of a hash of what is public.

# %%
one = allocations.where("ticket is not null").orderBy("ticket").limit(1).toPandas().iloc[0]
place = (F.col("commodity_id") == one.commodity_id) & (F.col("window_id") == one.window_id)
seed = (
    warehouse.read("windows").where(place & F.col("draw_seed").isNotNull()).collect()[0].draw_seed
)
said = f"{seed}|{one.commodity_id}|{one.window_id}|{one.entry_id}|0"
assert sha256(said.encode()).hexdigest()[:16] == one.ticket
said, one.ticket, one.outcome

# %% [markdown]
# ## Who keeps failing
#
# Most applicants named three choices, and each choice that was lost counts.

# %%
streaks = (
    warehouse.read("account_history")
    .groupBy(F.col("consecutive_failures").alias("failures in a row"))
    .agg(F.count("*").alias("accounts"))
    .toPandas()
)
streak_chart = alt.Chart(streaks).mark_bar().encode(x="failures in a row:O", y="accounts:Q")
streak_chart

# %% [markdown]
# ## What consolation costs
#
# By the tier of the streak, and what else it could be: the same losses with other amounts.

# %%
awards = (
    warehouse.read("bonus_awards")
    .groupBy("consecutive_failures", "reason")
    .agg(F.count("*").alias("awards"), F.sum("amount").alias("amount"))
    .orderBy("consecutive_failures", "reason")
    .toPandas()
)
awards

# %%
losses = warehouse.read("account_outcomes").where("result = 'lost'")
reached = losses.groupBy("consecutive_failures").count().toPandas()
plans = {
    "1.00 from the 2nd": (2, "1.00"),
    "1.00 from the 1st": (1, "1.00"),
    "2.00 at 3": (3, "2.00"),
}
costs = pd.DataFrame(
    {
        "plan": plan,
        "cost": float(
            Decimal(amount) * int(reached[reached.consecutive_failures >= first]["count"].sum())
        ),
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
open_things.close()
