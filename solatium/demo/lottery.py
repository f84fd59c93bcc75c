"""The real lottery, as its file has it: applications, their choices, and who was awarded what.

solatium/data/README.md says where the file comes from and what its columns mean.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd
import pyarrow as pa
import pyarrow.csv

FILE = "enchantments_2021.csv.gz"


@dataclass(frozen=True)
class Lottery:
    """Two tables of the lottery; commodity_id is the zone's slug, window_id the entry date.

    `applications`: `account_id` (made from the number: A00001), `status`, `size` (the largest
    group among its choices), `awarded`, and where it is `awarded_commodity_id`,
    `awarded_window_id`, `awarded_size`.
    `choices`: distinct windows of an application, the first mention of each: `account_id`,
    `choice` (1 to 3), `commodity_id`, `window_id`, `quantity` (the group size).
    """

    applications: pd.DataFrame
    choices: pd.DataFrame


def read_lottery() -> Lottery:
    """Reads the file that the package carries."""
    raw = _raw()
    account = "A" + raw["application"].astype(str).str.zfill(5)
    columns = {"entry_date": "window_id", "zone": "commodity_id", "group_size": "quantity"}
    stated = [
        raw[[f"{column}_{n}" for column in columns]]
        .set_axis(list(columns.values()), axis="columns")
        .assign(account_id=account, choice=n)
        for n in (1, 2, 3)
    ]
    choices = (
        pd.concat(stated)
        .dropna(subset="window_id")
        .assign(commodity_id=lambda c: _slug(c["commodity_id"]))
        .astype({"quantity": "int32"})
        .sort_values(["account_id", "choice"])
        .drop_duplicates(["account_id", "commodity_id", "window_id"], keep="first")
        .reset_index(drop=True)
    )
    applications = pd.DataFrame(
        {
            "account_id": account,
            "status": raw["status"],
            "size": account.map(choices.groupby("account_id")["quantity"].max()),
            "awarded": raw["awarded_size"].notna(),
            "awarded_commodity_id": _slug(raw["awarded_zone"]),
            "awarded_window_id": raw["awarded_entry_date"],
            "awarded_size": raw["awarded_size"].astype("Int32"),
        }
    )
    return Lottery(applications, choices)


def _raw() -> pd.DataFrame:
    packed = (files("solatium") / "data" / FILE).read_bytes()
    columns = ("entry_date_1", "entry_date_2", "entry_date_3", "awarded_entry_date")
    dates = dict.fromkeys(columns, pa.string())
    options = pyarrow.csv.ConvertOptions(column_types=dates, strings_can_be_null=True)
    table = pyarrow.csv.read_csv(pa.BufferReader(gzip.decompress(packed)), convert_options=options)
    return table.to_pandas()


def _slug(zones: pd.Series) -> pd.Series:
    """Core Enchantment Zone becomes core-enchantment."""
    slugs = {
        zone: zone.replace(" Zone", "").translate(_PLAIN).lower()
        for zone in zones.dropna().unique()
    }
    return zones.map(slugs)


_PLAIN = str.maketrans({"/": "-", " ": "-", "(": None, ")": None})
