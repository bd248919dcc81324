"""One condition as SQL of two engines; tests/property/spark_dialect.py asks a real Spark for the same answers."""

from __future__ import annotations

import pytest

from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.java_pattern import java_pattern

# Amounts are compared as the decimals that they are, which is quicker and means the same: compare_amounts.py.
QUICK = (
    "(CASE WHEN (ListCost > -9223372036.8547758085) AND NOT (ListCost >= 9223372036.8547758075) "
    "THEN (ListCost >= 0.0000000005) END)"
)


def _sql(condition: str, dialect: str) -> str:
    node = check_condition(condition, "charge", lambda message, _: AssertionError(message))
    return compile_sql(node, dialect)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "duckdb", "spark"),
    [
        ('charge.team == "it\'s $HOME\\\\n"', "(x_Team = 'it''s $HOME\\n')", "(x_Team = 'it\\'s \\u0024HOME\\\\n')"),
        ('charge.team.startsWith("a")', "starts_with(x_Team, 'a')", "startswith(x_Team, 'a')"),
        ('charge.ServiceName == ""', "(coalesce(ServiceName, '') = '')", "(coalesce(ServiceName, '') = '')"),
        ('charge.tags.team == "x"', "(Tags['team'] = 'x')", "(try_element_at(Tags, 'team') = 'x')"),
        (
            "has(charge.details.cores)",
            "((CASE WHEN json_valid(SkuPriceDetails) THEN json_extract_string(SkuPriceDetails, '/cores') END) IS NOT NULL)",
            "(try_element_at(from_json(SkuPriceDetails, 'map<string,string>'), 'cores') IS NOT NULL)",
        ),
        (
            "charge.ListCost > 0",
            QUICK,
            "(try_cast(try_cast(ListCost AS DECIMAL(28,9)) * CAST(1000000000 AS DECIMAL(10,0)) AS BIGINT) > CAST('0' AS BIGINT))",
        ),
        (
            "size(charge.team) + 1 == 2",
            "(TRY_CAST(CAST(length(x_Team) AS HUGEINT) + 1::BIGINT AS BIGINT) = 2::BIGINT)",
            "(try_add(CAST(length(x_Team) AS BIGINT), CAST(CAST('1' AS BIGINT) AS BIGINT)) = CAST('2' AS BIGINT))",
        ),
        (
            'charge.team.matches("^a.$")',
            "(CASE WHEN length(x_Team) <= 2048 THEN regexp_matches(x_Team, '^a.$') END)",
            "(CASE WHEN length(x_Team) <= 2048 THEN rlike(x_Team, '\\\\Aa[^\\\\n]\\\\z') END)",
        ),
        (
            '(charge.team == "a" ? "b" : "c").endsWith(charge.owner)',
            "ends_with((CASE (x_Team = 'a') WHEN true THEN 'b' WHEN false THEN 'c' END), x_Owner)",
            "endswith((CASE (x_Team = 'a') WHEN true THEN 'b' WHEN false THEN 'c' END), x_Owner)",
        ),
    ],
)  # fmt: skip
def test_what_the_engines_write_differently_means_the_same(condition: str, duckdb: str, spark: str) -> None:
    assert (_sql(condition, "duckdb"), _sql(condition, "spark")) == (duckdb, spark)


@pytest.mark.parametrize(
    ("re2", "java"),
    [
        ("gpt-4", "gpt-4"),
        ("^a|b$", r"\Aa|b\z"),
        ("(?m)^a$", r"(?:\A|(?<=\n))a(?:\z|(?=\n))"),
        ("(?m:^a)^", r"(?:(?:\A|(?<=\n))a)\A"),
        ("(?s).", r"[\x00-\x{10FFFF}]"),
        ("(?i)prod", "(?iu)prod"),
        ("(?P<who>a)+", "(?:a)+"),
        (r"\d\s\W", r"[0-9][\t\n\f\r ][^0-9A-Za-z_]"),
        (r"\p{Greek}\pN\P{^Lu}", r"\p{IsGreek}\p{N}\p{Lu}"),
        ("[[:upper:]a-z]", "[A-Za-z]"),
        ("[a&&[b]", r"[a\&\&\[b]"),
        ("a{2,3}b{,2}", r"a{2,3}b\{,2\}"),
        (r"\Qa.b\E", r"a\.b"),
        (r"\x41\x{1F600}", r"\x{41}\x{1F600}"),
    ],
)
def test_a_pattern_is_written_for_java_as_re2_means_it(re2: str, java: str) -> None:
    assert java_pattern(re2) == java


@pytest.mark.parametrize("pattern", [r"\C", "[[:nothing:]]", r"[\b]"])
def test_what_java_has_not_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(BadConfig, match="has no equal in Spark"):
        java_pattern(pattern)
