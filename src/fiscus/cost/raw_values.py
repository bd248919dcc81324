"""One raw value of a file, as SQL: its name, its text, and the number or the time that it says.

A value with more digits than the lake keeps is rounded half-even on its decimal text, never through a float.
"""

from __future__ import annotations

from typing import Final

from fiscus.cost.columns import SQL_TYPE, Column
from fiscus.cost.types import InputFile, Source
from fiscus.kernel.money import COST_SCALE, QUANTITY_SCALE

SCALE: Final = {"cost": COST_SCALE, "number": QUANTITY_SCALE}
ROUND_MACRO: Final = """
CREATE OR REPLACE TEMP MACRO plain_decimal(raw) AS CASE
    WHEN contains(raw, 'e') OR contains(raw, 'E') THEN
        coalesce(CAST(TRY_CAST(raw AS DECIMAL(38,26)) AS VARCHAR), CAST(TRY_CAST(raw AS DECIMAL(38,18)) AS VARCHAR))
    ELSE trim(raw) END;
CREATE OR REPLACE TEMP MACRO digits_after(raw) AS split_part(plain_decimal(raw), '.', 2);
CREATE OR REPLACE TEMP MACRO rounds_up(raw, places) AS (
    rtrim(substr(digits_after(raw), places + 1), '0') > '5'
    OR (rtrim(substr(digits_after(raw), places + 1), '0') = '5'
        AND substr(digits_after(raw), places, 1) IN ('1', '3', '5', '7', '9')));
CREATE OR REPLACE TEMP MACRO kept_digits(raw, places) AS
    split_part(plain_decimal(raw), '.', 1) || '.' || left(digits_after(raw), places);
CREATE OR REPLACE TEMP MACRO is_decimal(raw) AS regexp_full_match(plain_decimal(raw), '[+-]?[0-9]*(\\.[0-9]*)?');
"""


def sql_name(column: str) -> str:
    """A column's name as SQL, whatever is in it."""
    return '"' + column.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def text_of(column: str, file: InputFile) -> str:
    """The raw text of a column, with empty text and the word NULL as NULL; NULL where the file lacks it."""
    if column not in file.columns:
        return "CAST(NULL AS VARCHAR)"
    raw = sql_name(column)
    if file.cleared:
        return raw
    text = f"nullif({raw}, '')"
    return f"nullif({text}, 'NULL')" if file.has_null_text else text


def cleared_sql(file: InputFile) -> str:
    """`input` with what `text_of` gives in place of each column: each is looked at once, however often its text is read."""
    return f"SELECT {', '.join(f'{text_of(name, file)} AS {sql_name(name)}' for name in file.columns)} FROM input"


def decimal_of(column: Column, file: InputFile) -> str:
    """The exact number of a column at the lake's scale (needs ROUND_MACRO); NULL where the text is no number."""
    raw, places = text_of(column.name, file), SCALE[column.type]
    kind = SQL_TYPE[column.type]
    if column.name not in file.columns:
        return f"CAST(NULL AS {kind})"
    step = f"CAST('{'0.' + '0' * (places - 1)}1' AS {kind})"
    exact = (
        f"CASE WHEN is_decimal({raw}) THEN TRY_CAST(kept_digits({raw}, {places}) AS {kind}) "
        f"+ CASE WHEN rounds_up({raw}, {places}) THEN "
        f"CASE WHEN starts_with(trim({raw}), '-') THEN -{step} ELSE {step} END ELSE CAST(0 AS {kind}) END END"
    )
    return f"TRY_CAST(CASE WHEN {is_long(raw, places)} THEN {exact} ELSE TRY_CAST({raw} AS {kind}) END AS {kind})"


def is_long(raw: str, places: int) -> str:
    """True for a number of more than `places` digits behind the point, or with an exponent."""
    return f"(length({raw}) - strpos({raw}, '.') > {places} OR contains({raw}, 'E') OR contains({raw}, 'e'))"


def time_of(column: Column, file: InputFile, source: Source) -> str:
    """The instant of a column: ISO 8601, UTC where no zone is said, or the source's own format; NULL where it is none."""
    raw = text_of(column.name, file)
    if source.date_format:
        return f"make_timestamptz(epoch_us(try_strptime({raw}, {quoted(source.date_format)})))"
    plain = f"make_timestamptz(epoch_us(TRY_CAST({raw} AS TIMESTAMP)))"
    # A plain cast drops an offset without a word: only text that cannot end in one ("+02") goes the fast way.
    zoneless = f"ends_with({raw}, 'Z') OR length({raw}) <= 10 OR (length({raw}) <= 19 AND substr({raw}, -3, 1) = ':')"
    return f"CASE WHEN {zoneless} THEN {plain} ELSE TRY_CAST({raw} AS TIMESTAMPTZ) END"
