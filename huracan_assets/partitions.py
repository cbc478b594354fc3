"""The one partitioning of every asset: UTC days. Keys are dates; nothing about assets lives here."""

from datetime import date

import dagster as dg

PREVIOUS_DAY = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
"""The edge D -> D-1: what trades a day was made the day before."""


def daily_partitions(first_day: date) -> dg.DailyPartitionsDefinition:
    """UTC days from `first_day` to the last closed one. One definition is shared by all assets, because
    Dagster groups assets into one run only where their partitions are equal."""
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC")


def day_of(partition_key: str) -> date:
    return date.fromisoformat(partition_key)
