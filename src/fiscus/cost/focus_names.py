"""The versions of FOCUS that are read and written, and its datasets."""

from __future__ import annotations

from typing import Literal

FocusVersion = Literal["1.0", "1.1", "1.2", "1.3", "1.4"]
FOCUS_VERSIONS: tuple[FocusVersion, ...] = ("1.0", "1.1", "1.2", "1.3", "1.4")
Dataset = Literal["cost_and_usage", "contract_commitment", "billing_period", "invoice_detail"]
DATASETS: tuple[Dataset, ...] = ("cost_and_usage", "contract_commitment", "billing_period", "invoice_detail")
