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
# # Who keeps losing
#
# An account that loses again and again gives up one day, and nobody sees it leave. This notebook
# finds the streaks, and asks after how many failures accounts stop coming.
#
# The logs are made up (`solatium generate`): the shapes are real, the people are not.

# %%
from datetime import date
from pathlib import Path

import altair as alt

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
# ## Streaks now
#
# A streak runs within a campaign here (`history.scope`), so an account may have several.

# %%
history = tables["account_history"].pandas()
streaks = history.groupby("consecutive_failures").size().reset_index(name="accounts")
streak_chart = (
    alt.Chart(streaks, title="Failures in a row, now")
    .mark_bar()
    .encode(x="consecutive_failures:O", y="accounts:Q", tooltip=["accounts"])
)
streak_chart

# %% [markdown]
# ## After how many failures do accounts stop coming?
#
# Each counted loss is followed by a question: did the account apply to any later window? Losses of
# the last two dates are left out, since there was hardly time to come back.

# %%
losses = tables["account_outcomes"].pandas(filter=[("result", "=", "lost")])
applied = tables["screened_participants"].pandas(["account_id", "business_date"])
last_seen = applied.groupby("account_id").business_date.max().rename("last_seen")
dates = sorted(applied.business_date.unique())
early = losses[losses.business_date < dates[-2]].join(last_seen, on="account_id")
early["came_back"] = early.last_seen > early.business_date
early["streak"] = early.consecutive_failures.clip(upper=6)
back = early.groupby("streak").came_back.agg(["size", "mean"]).reset_index()
back.columns = ["failures in a row", "losses", "came back"]
back

# %%
back_chart = (
    alt.Chart(back, title="Share that applied again after a loss")
    .mark_line(point=True)
    .encode(x="failures in a row:O", y=alt.Y("came back:Q", axis=alt.Axis(format="%")))
)
back_chart

# %% [markdown]
# ## Cohorts
#
# A cohort is all accounts that applied first on one date. A cell is the share of it that applied
# on a later date.

# %%
first = applied.groupby("account_id").business_date.min().rename("first")
seen = applied.drop_duplicates().join(first, on="account_id")
cohorts = seen.groupby(["first", "business_date"]).size().reset_index(name="accounts")
sizes = cohorts[cohorts["first"] == cohorts.business_date].set_index("first").accounts
cohorts["share"] = cohorts.accounts / cohorts["first"].map(sizes)
cohorts = cohorts.assign(
    cohort=cohorts["first"].dt.strftime("%m-%d"), date=cohorts.business_date.dt.strftime("%m-%d")
)
cohort_chart = (
    alt.Chart(cohorts[["cohort", "date", "share"]], title="Who came back, by first date")
    .mark_rect()
    .encode(x="date:O", y="cohort:O", color=alt.Color("share:Q", legend=alt.Legend(format="%")))
)
cohort_chart

# %% [markdown]
# ## Who is about to give up
#
# The longest streaks of accounts that did not apply on the newest date.

# %%
newest = last_seen[last_seen < dates[-1]]
at_risk = history[history.account_id.isin(newest.index)]
columns = ["account_id", "scope", "consecutive_failures", "failures", "wins"]
order = ["consecutive_failures", "failures", "account_id", "scope"]
at_risk.sort_values(order, ascending=[False, False, True, True])[columns].head(8).reset_index(
    drop=True
)
