"""What the lottery's file does not tell: when, from which device, paid or not, in good standing.

All of it is made up from a seed, and `Story.told` says so in plain sentences. Times are
microseconds since 1970, UTC; dates are days since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pandas as pd

from solatium.demo.draws import Draws, clusters, draws, fates
from solatium.demo.lottery import Lottery

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

FIRST_NIGHT = date(2021, 3, 15)
FIRST_DT = (FIRST_NIGHT - date(1970, 1, 1)).days
OPENED = int(datetime(2021, 2, 15, 8, tzinfo=UTC).timestamp()) * SECOND
CLOSED = int(datetime(2021, 3, 2, 8, tzinfo=UTC).timestamp()) * SECOND
RUSH_OPENS, RUSH_LASTS = 13 * HOUR, HOUR  # the same date in Washington State and in Shanghai
NEW_WITHIN_DAYS = 30

# What befalls how many, as shares of all.
ACCOUNT_FATES = {
    "suspended": 0.008,
    "closed": 0.002,
    "blacklisted": 0.002,
    "new": 0.005,
    "unknown": 0.001,
    "suspended later": 0.005,
}
CHOICE_FATES = {"withdrawn": 0.01, "outside": 0.003, "corrected": 0.005}
PAYMENT_FATES = {
    "unpaid": 0.02,
    "partly": 0.01,
    "refunded": 0.005,
    "instalments": 0.01,
    "too late": 0.002,
}
ARRIVALS = {"next night": 0.005, "too late": 0.002, "twice": 0.003}
WINDOWS_WITH_SHARING = 0.1
ON_ONE_DEVICE, ONE_PERSONS = 3, 2
HELD = ["seed_missing", "seed_mismatch"]  # one window each,
FEW_CHOICES = 40  # with no more choices than these

_KEY = ["commodity_id", "window_id"]


@dataclass(frozen=True)
class Story:
    """The lottery with everything that the logs need.

    `windows`: key, `stock`, `choices`, `dt` and `rush_open` of the draw, `draw_seed`, `held`.
    `choices`: the lottery's, with `dt` and `rush_open` of the window, `id`, `joined`, `device_id`,
    `fate`, `paying`, `arrival` and `chance` in [0, 1).
    `accounts`: the lottery's applications, with `registered_at`, `person_id` and `standing`.
    """

    windows: pd.DataFrame
    choices: pd.DataFrame
    accounts: pd.DataFrame

    def told(self) -> tuple[str, ...]:
        """What was made up, with how often."""
        fate = self.choices["fate"].value_counts()
        paying = self.choices["paying"].value_counts()
        arrival = self.choices["arrival"].value_counts()
        standing = self.accounts["standing"].value_counts()
        pairs = (self.accounts["person_id"].value_counts() > 1).sum()
        device = self.choices.groupby([*_KEY, "device_id"]).size()
        return (
            (
                "Times: applications from 15 February to 2 March 2021, draws on "
                f"{self.windows['dt'].nunique()} nights from 15 March on, each night for one "
                "stretch of the season. The real lottery was one draw, and an application got one "
                "permit at most; here each window is drawn by itself, with a seed of its own."
            ),
            (
                "Seeds: one window's never comes, and another's is not the one that had been "
                "committed to; both windows are held."
            ),
            (
                "Payments: 6.00 a person in advance (the real fee was 6 dollars an application); "
                f"{paying['unpaid']:,} not paid, {paying['partly']:,} paid by half, "
                f"{paying['refunded']:,} taken back, {paying['instalments']:,} in two halves, "
                f"{paying['too late']:,} logged too late. Nobody who lost has been paid back yet."
            ),
            (
                f"Accounts: {standing['suspended']:,} suspended, {standing['closed']:,} closed, "
                f"{standing['blacklisted']:,} blacklisted, {standing['new']:,} less than "
                f"{NEW_WITHIN_DAYS} days old, {standing['unknown']:,} unknown, "
                f"{standing['suspended later']:,} suspended between the draws; {pairs:,} pairs "
                f"belong to one person, {(device > 1).sum():,} devices sent {ON_ONE_DEVICE} "
                "accounts' applications for one window."
            ),
            (
                f"Choices: {fate['withdrawn']:,} withdrawn, and with them the "
                f"{fate['cancelled']:,} of applications that the file calls cancelled, without an "
                f"award; {fate['outside']:,} made after the close, {fate['corrected']:,} made "
                "first with another group size."
            ),
            (
                f"Logs: {arrival['next night']:,} choices arrive a night late and count, "
                f"{arrival['too late']:,} arrive too late, {arrival['twice']:,} arrive twice; a "
                "few rows are bad, contradict another, or name a window that does not exist."
            ),
        )


def make_up(lottery: Lottery, seed: str, nights: int) -> Story:
    """The story of a seed, with the season's entry dates spread over so many draw nights."""
    windows = _windows(lottery, seed, nights)
    choices = _choices(lottery, windows, seed)
    return Story(windows, choices, _accounts(lottery, choices, seed))


def _windows(lottery: Lottery, seed: str, nights: int) -> pd.DataFrame:
    windows = lottery.choices.groupby(_KEY, sort=True).size().rename("choices").reset_index()
    awards = lottery.applications.groupby([f"awarded_{column}" for column in _KEY])
    stock = awards["awarded_size"].sum().rename("stock").rename_axis(_KEY).reset_index()
    windows = windows.merge(stock, how="left", on=_KEY)
    windows["stock"] = windows["stock"].fillna(0).astype("int64")

    entry = pd.to_datetime(windows["window_id"])
    day = (entry - entry.min()).dt.days
    windows["dt"] = FIRST_DT + day * nights // (day.max() + 1)
    windows["rush_open"] = windows["dt"] * DAY + RUSH_OPENS

    names = windows["commodity_id"] + "|" + windows["window_id"]
    windows["draw_seed"] = [sha256(f"{seed}|draw|{n}".encode()).hexdigest()[:16] for n in names]
    small = (windows["stock"] > 0) & (windows["choices"] <= FEW_CHOICES)
    by_chance = np.argsort(np.where(small, draws(seed, "held", names)[:, 0], 1))
    windows["held"] = ""
    windows.loc[by_chance[:2], "held"] = HELD
    return windows


def _choices(lottery: Lottery, windows: pd.DataFrame, seed: str) -> pd.DataFrame:
    choices = lottery.choices.merge(windows[[*_KEY, "dt", "rush_open"]], how="left", on=_KEY)
    choices["id"] = choices["account_id"].str[1:] + "-" + choices["choice"].astype(str)
    chance = draws(seed, "choice", choices["id"])
    choices["fate"] = fates(chance[:, 0], CHOICE_FATES)
    choices["paying"] = fates(chance[:, 1], PAYMENT_FATES)
    choices["arrival"] = fates(chance[:, 2], ARRIVALS)
    choices["chance"] = chance[:, 3]

    cancelled = lottery.applications.loc[lottery.applications["status"] == "Cancelled"]
    choices.loc[choices["account_id"].isin(cancelled["account_id"]), "fate"] = "cancelled"

    # an application's choices stand 20 seconds apart; a day is left to pay or withdraw in time
    applied = pd.Series(
        draws(seed, "applied", lottery.applications["account_id"])[:, 0],
        index=lottery.applications["account_id"],
    )
    moment = choices["account_id"].map(applied).to_numpy() * (CLOSED - OPENED - DAY)
    in_time = OPENED + moment.astype("int64") + choices["choice"] * 20 * SECOND
    after = CLOSED + (choices["chance"] * DAY).astype("int64")
    choices["joined"] = in_time.where(choices["fate"] != "outside", after)

    device = ("D" + choices["account_id"].str[1:]).to_numpy(copy=True)
    together = _some_together(choices, chance[:, 4], seed, "device", ON_ONE_DEVICE)
    device[together] = device[together[:, :1]]
    choices["device_id"] = device
    return choices


def _accounts(lottery: Lottery, choices: pd.DataFrame, seed: str) -> pd.DataFrame:
    accounts = lottery.applications.copy()
    chance = draws(seed, "account", accounts["account_id"])
    accounts["standing"] = fates(chance[:, 0], ACCOUNT_FATES)
    days = np.where(
        accounts["standing"] == "new",
        chance[:, 1] * NEW_WITHIN_DAYS,
        NEW_WITHIN_DAYS + 1 + chance[:, 1] * 2000,
    )
    accounts["registered_at"] = OPENED - (days * DAY).astype("int64")

    person = ("P" + accounts["account_id"].str[1:]).to_numpy(copy=True)
    first = choices[choices["choice"] == 1].reset_index(drop=True)
    together = _some_together(first, chance[:, 2], seed, "person", ONE_PERSONS)
    person[together] = person[together[:, :1]]
    accounts["person_id"] = person
    return accounts


def _some_together(
    choices: pd.DataFrame, chance: Draws, seed: str, topic: str, count: int
) -> npt.NDArray[np.int64]:
    """In a share of the windows, the rows of `count` choices of one and the same window."""
    names = choices["commodity_id"] + "|" + choices["window_id"]
    windows = pd.Series(names.unique())
    chosen = windows[draws(seed, topic, windows)[:, 0] < WINDOWS_WITH_SHARING]
    return clusters(names.where(names.isin(chosen)), chance, count)
