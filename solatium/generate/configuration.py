"""The configuration that fits generated logs, and makes use of what a configuration can say."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

import yaml

from solatium.generate.dialect import Dialect
from solatium.generate.platform import LEAST_AGE_DAYS, LEAST_CREDIT, WEIGHT_CAP
from solatium.generate.spec import GRACE_DAYS, Spec
from solatium.generate.windows import campaign_name

EXPORTED = ("participation", "payment", "orders")  # have a file on every date, if an empty one
_SAFE_SHARE = 0.008  # of bad and conflicting rows; below the gate's default even in small logs


def configuration(spec: Spec) -> dict[str, Any]:
    """Settings over the defaults (docs/rules.md section 9)."""
    settings: dict[str, Any] = {
        "timezone": spec.timezone,
        "grace_days": GRACE_DAYS,
        "screening": {
            "min_account_age_days": LEAST_AGE_DAYS,
            "min_credit_score": LEAST_CREDIT,
            "max_accounts_per_device": 3,
        },
        "draw": {"weight_cap": WEIGHT_CAP},
        "history": {"scope": "campaign", "streak_expiry_days": 30},
        "bonus": {
            "tiers": [
                {"min_failures": 2, "amount": Decimal("1.00")},
                {"min_failures": 4, "advance_share": Decimal("0.1")},
                {"min_failures": 8, "amount": Decimal("20.00")},
            ],
            "max_per_account_per_day": Decimal("30.00"),
        },
    }
    settings["changes"] = [
        {
            "from": spec.first_date + timedelta(days=(spec.nights + 1) // 2),
            "bonus": {"max_single_award": Decimal("15.00")},
        }
    ]
    if spec.campaigns:
        generous = {
            "tiers": [{"min_failures": 1, "amount": Decimal("0.50")}],
            "daily_budget": Decimal("100.00"),
        }
        settings["campaigns"] = {campaign_name(0): {"bonus": generous}}
    settings["gates"] = {"required_tables": list(EXPORTED)}
    bad = spec.bad + spec.conflicts
    if bad > _SAFE_SHARE:
        share = Decimal(min(1.0, 2 * bad)).quantize(Decimal("0.0001"), rounding=ROUND_UP)
        settings["gates"]["max_quarantine_share"] = share
    if sources := Dialect(spec.odd_names, spec.local_times).sources():
        settings["sources"] = sources
    return settings


class _Dumper(yaml.SafeDumper):
    """Writes amounts as people do, without quotes."""


_Dumper.add_representer(
    Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", f"{value}")
)


def as_yaml(settings: dict[str, Any]) -> str:
    """A configuration file."""
    return yaml.dump(settings, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
