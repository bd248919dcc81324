"""Who provides a service: the alias table behind ServiceProviderName, HostProviderName and InvoiceIssuerName.

FOCUS 1.3 split ProviderName and PublisherName into ServiceProviderName (who makes the service available), HostProviderName
(on whose infrastructure it runs) and kept InvoiceIssuerName. It is no rename: on a marketplace charge the old ProviderName is
the marketplace's operator, and the seller is the service provider (FOCUS 1.3, ServiceProviderName). The originals stay in
x_ProviderName and x_PublisherName.
"""

from __future__ import annotations

from typing import Final

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "AWS": (
        "amazon web services",
        "amazon web services, inc.",
        "amazon web services emea sarl",
        "aws",
        "amazon",
        "aws inc",
    ),
    "Microsoft": (
        "microsoft",
        "microsoft azure",
        "azure",
        "microsoft corporation",
        "microsoft ireland operations limited",
    ),
    "Google Cloud": (
        "google cloud",
        "google",
        "gcp",
        "google cloud platform",
        "google llc",
        "google cloud emea limited",
    ),
    "Oracle": ("oracle", "oracle cloud", "oci", "oracle corporation", "oracle cloud infrastructure"),
    "OpenAI": ("openai", "openai, llc", "openai opco, llc", "open ai"),
    "Anthropic": ("anthropic", "anthropic, pbc", "anthropic pbc"),
    "Mistral AI": ("mistral", "mistral ai", "mistral ai sas"),
    "Hugging Face": ("hugging face", "huggingface", "hugging face, inc."),
    "Perplexity": ("perplexity", "perplexity ai", "perplexity ai, inc."),
}

CLOUDS: Final = ("AWS", "Microsoft", "Google Cloud", "Oracle")


def canonical_sql(expression: str) -> str:
    """SQL that gives the canonical name of the provider named by `expression`; a name we do not know stays as it is."""
    arms = " ".join(
        f"WHEN lower(trim({expression})) IN ({', '.join(_quoted(alias) for alias in aliases)}) THEN {_quoted(name)}"
        for name, aliases in ALIASES.items()
    )
    return f"CASE {arms} ELSE trim({expression}) END"


def canonical_name(name: str) -> str:
    """The canonical name of the provider called `name`; a name that we do not know stays as it is."""
    wanted = name.strip().lower()
    return next((known for known, aliases in ALIASES.items() if wanted in aliases), name.strip())


def is_cloud_sql(expression: str) -> str:
    """SQL: `expression` is the canonical name of a cloud that runs a marketplace."""
    return f"{expression} IN ({', '.join(_quoted(name) for name in CLOUDS)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
