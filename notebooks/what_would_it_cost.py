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
# # What would it cost?
#
# The same losses, other tiers, caps and budgets. The pipeline's own step (`bonus_awards`) computes
# every amount, to the cent, so what this notebook says is what a night would post.
#
# `solatium simulate` does more: it also draws again, with other policies.

# %%
from datetime import date
from pathlib import Path

import altair as alt
import pandas as pd
from pyspark.sql import functions as F

import solatium
from solatium import engine
from solatium.generate.make import generate
from solatium.generate.spec import Spec
from solatium.rules import windows
from solatium.rules.accounts import latest_accounts_by_date
from solatium.rules.bonus import bonus_awards
from solatium.settings.load import from_mapping, load
from solatium.settings.regimes import Regimes

# %%
if not Path("warehouse").exists():
    spec = Spec(participations=2000, nights=6, windows=8, first_date=date(2026, 3, 2))
    logs = generate(Path("trial"), spec)
    solatium.run(logs.landing, "warehouse", logs.last_date, settings=logs.config)
tables = solatium.open("warehouse")
f"as of {tables.day}"

# %% [markdown]
# ## What was awarded
#
# The settings of these logs, and what their tiers came to.

# %%
settings = load(Path("trial/config.yaml"))
awarded = tables["bonus_awards"].arrow(["amount"])["amount"].to_pylist()
f"{len(awarded)} awards, {sum(awarded)} {settings.bonus.currency}"

# %% [markdown]
# ## Other plans
#
# A plan is a mapping over the defaults, as a configuration file would be. The losses and their
# streaks stay as they are: only the money changes.

# %%
base = {"grace_days": settings.grace_days, "timezone": settings.timezone}
steps = [
    {"min_failures": 2, "amount": "1.00"},
    {"min_failures": 4, "amount": "5.00"},
]
plans = {
    "two steps": {"tiers": steps},
    "two steps, 3.00 a day at most": {"tiers": steps, "max_per_account_per_day": "3.00"},
    "two steps, budget of 150.00": {"tiers": steps, "daily_budget": "150.00"},
    "only at the thresholds": {"tiers": steps, "trigger": "at_threshold"},
}

# %%
rows = []
with engine.running("embedded") as running:
    of = {name: tables[name].spark(running.spark) for name in tables}
    nothing_late = of["windows"].limit(0)
    for plan, bonus in plans.items():
        other = from_mapping(base | {"bonus": bonus})
        regimes = Regimes(other)
        in_force = windows.in_force(of["windows"], nothing_late, other, regimes)
        lost = of["account_outcomes"].where("result = 'lost'")
        latest = latest_accounts_by_date(of["accounts"], lost, other.grace_days)
        awards = bonus_awards(lost, of["allocations"], in_force, latest, regimes)
        sums = awards.groupBy("reason").agg(
            F.count("*").alias("awards"), F.sum("amount").alias("a")
        )
        rows += [(plan, row.reason, row.awards, row.a) for row in sums.collect()]
costs = pd.DataFrame(rows, columns=["plan", "reason", "awards", "amount"])
costs.sort_values(["plan", "reason"]).reset_index(drop=True)

# %% [markdown]
# A budget is used to the last cent on each date and campaign that exceeds it. At the thresholds
# alone, a long streak is paid once a step.

# %%
shown = costs.groupby("plan").amount.sum().astype(float).reset_index()
cost_chart = (
    alt.Chart(shown, title=f"Cost of {len(dict(plans))} plans, {settings.bonus.currency}")
    .mark_bar()
    .encode(x="amount:Q", y=alt.Y("plan:N", sort="-x"), tooltip=["plan", "amount"])
)
cost_chart
