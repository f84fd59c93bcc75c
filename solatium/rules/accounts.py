"""Account facts: which version of an account counts, when, and for whom.

docs/rules.md section 3 for screening, section 8 for the bonus.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import Keep, kept_nowhere
from solatium.dataframes.versions import VERSION_ORDER, latest, with_content


def account_versions(accounts: DataFrame, keep: Keep = kept_nowhere) -> DataFrame:
    """Account rows, each with the time `superseded_at` at which a later version replaces it.

    `accounts` has the versions that are visible by arrival date. A version counts at times `t`
    with `updated_at <= t < superseded_at` (null: for good), so that a window sees one at most.
    `shares_person` is whether another account has, or had, the same `person_id`. Only the versions
    of accounts that have several are sorted; `keep` stores the ids of these accounts.
    """
    shared = (
        accounts.where(F.col("person_id").isNotNull())
        .groupBy("person_id")
        .agg((F.min("account_id") < F.max("account_id")).alias("shares_person"))
        .where("shares_person")
    )
    known = look_up(accounts, shared, ["person_id"], how="left").withColumn(
        "shares_person", F.coalesce("shares_person", F.lit(False))
    )
    several = accounts.groupBy("account_id").count().where("count > 1").select("account_id")
    several = keep(several, "accounts_with_versions")
    order = Window.partitionBy("account_id").orderBy(*VERSION_ORDER)
    in_order = (
        with_content(
            known.join(several, on="account_id", how="left_semi"), contracts.landing("accounts")
        )
        .withColumn("superseded_at", F.lead("updated_at").over(order))
        .drop("content")
    )
    single = known.join(several, on="account_id", how="left_anti")
    for_good = F.lit(None).cast("timestamp")
    return single.withColumn("superseded_at", for_good).unionByName(in_order).drop("dt")


def latest_accounts(versions: DataFrame) -> DataFrame:
    """For each account, whether its latest version is `eligible`: active and not blacklisted.

    `versions` are from `account_versions`.
    """
    in_force = versions.where(F.col("superseded_at").isNull())
    return in_force.select("account_id", _is_eligible().alias("eligible"))


def latest_accounts_by_date(accounts: DataFrame, losses: DataFrame, grace_days: int) -> DataFrame:
    """The same for the accounts and business dates of `losses`: each date sees its own versions.

    One row for each account and business date.
    """
    asked = losses.select("account_id", "business_date").distinct()
    is_visible = F.col("dt") <= F.date_add("business_date", grace_days)
    visible = accounts.join(asked, on="account_id").where(is_visible)
    versions = with_content(visible, contracts.landing("accounts"))
    return latest(versions, ("account_id", "business_date")).select(
        "account_id", "business_date", _is_eligible().alias("eligible")
    )


def _is_eligible() -> Column:
    return (F.col("status") == "active") & ~F.coalesce("blacklisted", F.lit(False))
