"""AI prices on the command line: what a model costs, and the data source compiled anew."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, say, show, table

_PLAIN = frozenset({"input", "output", "audio_seconds", "characters", "pages", "images", "requests"})


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    prices = App(name="prices", help="Prices that calls are reserved and settled at.")
    ai_app = App(name="ai", help="What AI models cost, dated.")
    ai_app.default(ai)
    ai_app.command(refresh)
    prices.command(ai_app)
    app.command(prices)


@guarded
def ai(model: str = "", /, *, provider: str = "", day: str = "", common: Common = NO_OPTIONS) -> None:
    """What a model costs a million tokens: by tier and meter, since when, with what the workspace overrides.

    Parameters
    ----------
    model
        As a client names it, or a part of its name; all models of the provider when left out.
    provider
        One provider of the table, such as openai, anthropic, mistral, huggingface, perplexity.
    day
        The prices in force on that day, YYYY-MM-DD; today when left out.
    """
    from fiscus.app.ai_prices import load_ai_prices, today_of
    from fiscus.app.workspace import find_home
    from fiscus.flows.show_ai_prices import show_ai_prices
    from fiscus.kernel.periods import day_named

    home = find_home(common.home)
    on = day_named(day) if day else today_of(home)
    show(common, show_ai_prices(load_ai_prices(home), model, provider, on), _prices_text)


@guarded
def refresh(*, common: Common = NO_OPTIONS) -> None:
    """Compile the data source anew: after an upgrade of genai-prices, or when the kept table is in doubt.

    A gateway that runs takes it up within seconds; `fiscus run` says which prices of yours have changed.
    """
    from fiscus.app.ai_prices import load_ai_prices, source_document
    from fiscus.app.workspace import find_home

    home = find_home(common.home)
    source_document(home, anew=True)
    prices = load_ai_prices(home)
    models = sum(len(prices.models(provider)) for provider in prices.providers())
    told = {"version": prices.version, "source": prices.source, "models": models}
    show(common, told, lambda _: say(f"{models:,} models from {prices.source}; the table is {prices.version}."))


def _prices_text(shown: Any) -> None:
    """The prices in force; of several models, their plain rates. --json has all of it, and what was in force before."""
    now = [one for one in shown.prices if one.in_force]
    several = len(now) > 1
    rows = [
        (
            one.provider,
            one.model,
            str(one.valid_from or "always"),
            rate.tier,
            rate.meter + (f" from {rate.context_from:,} tokens" if rate.context_from else ""),
            f"{rate.per_million:f}",
            "" if one.verified else "unverified",
        )
        for one in now
        for rate in one.rates
        if not several or (rate.tier == "standard" and rate.meter in _PLAIN)
    ]
    table(("provider", "model", "since", "tier", "meter", "USD a million", ""), rows, "Nothing is called so.")
    for one in now if not several else ():
        if one.note:
            say(f"Not as the source has it: {one.note}")
        if one.output_tokens_max:
            say(f"It answers at most {one.output_tokens_max:,} tokens.")
    if shown.more:
        say(f"and {shown.more} more models: name a --provider, or more of the name")
    say(f"Table {shown.version}, from {shown.source}, on {shown.day}.")
