"""Ten rules in four languages and the questions that they are asked, so that every engine judges the same."""

from __future__ import annotations

from typing import Any

RULES = 10
PROVIDERS = ("OpenAI", "Anthropic")
BOUNDS = [(500 * n, 10 * n) for n in range(1, RULES + 1)]  # (max_tokens above, amount above, in units)


def questions(count: int = 240) -> list[dict[str, Any]]:
    """Intents that match no rule, some, and many."""
    return [
        {
            "environment": ("staging", "prod", "dev")[n % 3],
            "provider": ("OpenAI", "Anthropic", "Mistral")[n // 3 % 3],
            "model": ("gpt-5-mini", "gpt-5", "claude-haiku-4-5", "mistral-small")[n // 9 % 4],
            "max_tokens": n * 37 % 6_000,
            "amount": n * 13 % 120,
            "team": "ml" if n % 5 else "web",
        }
        for n in range(count)
    ]


def as_cel(number: int, *, ours: bool) -> str:
    """Rule `number` as CEL: over our typed facts, or over plain variables."""
    tokens, amount = BOUNDS[number]
    root = "intent." if ours else ""
    money = f'money("{amount}.00 USD")' if ours else str(amount)
    team = "requester.team" if ours else "team"
    return (
        f'{root}environment == "staging" && {root}provider in ["OpenAI", "Anthropic"] && {root}model.startsWith("gpt-") '
        f'&& {root}max_tokens > {tokens} && {root}amount > {money} && {team} == "ml"'
    )


def as_cedar() -> str:
    """All rules as Cedar: forbids beside a permit; which of them forbid is in the diagnostics."""
    rules = ["permit(principal, action, resource);"]
    for tokens, amount in BOUNDS:
        rules.append(
            'forbid(principal, action, resource) when { context.environment == "staging" && '
            '["OpenAI", "Anthropic"].contains(context.provider) && context.model like "gpt-*" && '
            f'context.max_tokens > {tokens} && context.amount > {amount} && context.team == "ml" }};'
        )
    return "\n".join(rules)


def as_rego() -> str:
    """All rules as Rego: a set of the numbers of those that match."""
    rules = ["package spend"]
    for number, (tokens, amount) in enumerate(BOUNDS):
        rules.append(
            f'deny contains {number} if {{\n  input.environment == "staging"\n  input.provider in {{"OpenAI", "Anthropic"}}\n'
            f'  startswith(input.model, "gpt-")\n  input.max_tokens > {tokens}\n  input.amount > {amount}\n'
            '  input.team == "ml"\n}'
        )
    return "\n".join(rules)
