"""The people and teams of Northwind Robotics: a tree of units, their leads, who reports to whom, and who has left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from fiscus.ownership.types import Directory, Person, Team
from fiscus.twin.rhythm import generator

HEADCOUNT: Final = 160
LEAVERS: Final = 11
MAIL: Final = "northwind.example"

# id | name | parent | cost centre | other spellings found in tags
TEAMS: Final = """
northwind|Northwind Robotics||CC-001|
engineering|Engineering|northwind|CC-100|eng
platform-group|Platform Group|engineering|CC-110|
platform|Platform|platform-group|CC-111|plat,platform-eng
sre|Site Reliability|platform-group|CC-112|site-reliability,ops-sre
developer-experience|Developer Experience|platform-group|CC-113|devex,dev-ex
networking|Networking|platform-group|CC-114|net,network
security-engineering|Security Engineering|platform-group|CC-115|sec-eng,security
robotics-group|Robotics Group|engineering|CC-120|
perception|Perception|robotics-group|CC-121|percep,perception-team
navigation|Navigation|robotics-group|CC-122|nav
manipulation|Manipulation|robotics-group|CC-123|manip
fleet-control|Fleet Control|robotics-group|CC-124|fleetcontrol,fleet
simulation|Simulation|robotics-group|CC-125|sim,simlab
firmware|Firmware|robotics-group|CC-126|fw
data-group|Data Group|engineering|CC-130|
data-platform|Data Platform|data-group|CC-131|dataplatform,data-eng
analytics|Analytics|data-group|CC-132|bi
ml-platform|ML Platform|data-group|CC-133|mlplatform,ml-plat
ml-research|ML Research|data-group|CC-134|research
product-group|Product Group|engineering|CC-140|
storefront|Storefront|product-group|CC-141|shop,store-front
mobile-apps|Mobile Apps|product-group|CC-142|mobile
customer-portal|Customer Portal|product-group|CC-143|portal
support-assistant|Support Assistant|product-group|CC-144|assistant,support-ai
telemetry|Telemetry|product-group|CC-145|telem
integrations|Integrations|product-group|CC-146|integ
search|Search|product-group|CC-147|search-team
operations|Operations|northwind|CC-200|ops
manufacturing|Manufacturing|operations|CC-201|mfg
logistics|Logistics|operations|CC-202|
field-service|Field Service|operations|CC-203|fieldservice,field
supply-chain|Supply Chain|operations|CC-204|scm
commercial|Commercial|northwind|CC-300|
sales|Sales|commercial|CC-301|
marketing|Marketing|commercial|CC-302|mktg
customer-success|Customer Success|commercial|CC-303|cs
finance|Finance|northwind|CC-400|fin
finops|FinOps|finance|CC-401|cloud-finance
procurement|Procurement|finance|CC-402|purchasing
people-office|People Office|northwind|CC-500|hr
it-services|IT Services|people-office|CC-501|it,corp-it
"""
FIRST: Final = [
    "Ana",
    "Tom",
    "Maya",
    "Liam",
    "Noor",
    "Ivan",
    "Elena",
    "Marco",
    "Priya",
    "Jonas",
    "Sofia",
    "Omar",
    "Greta",
    "Hugo",
    "Leila",
    "Felix",
    "Nadia",
    "Kenji",
    "Carla",
    "Peter",
    "Aisha",
    "Luca",
    "Ingrid",
    "Mateo",
    "Yuki",
    "Daria",
    "Samuel",
    "Clara",
    "Viktor",
    "Amara",
    "Henrik",
    "Rosa",
    "Pavel",
    "Tessa",
    "Idris",
    "Freya",
    "Nils",
    "Camila",
    "Arun",
    "Hanna",
    "Oscar",
    "Mei",
    "Stefan",
    "Lucia",
    "Dev",
]
LAST: Final = [
    "Silva",
    "Reed",
    "Okafor",
    "Lindqvist",
    "Haddad",
    "Petrov",
    "Marino",
    "Costa",
    "Sharma",
    "Weber",
    "Duarte",
    "Nasser",
    "Holm",
    "Laurent",
    "Farouk",
    "Brandt",
    "Rossi",
    "Tanaka",
    "Mendes",
    "Novak",
    "Bello",
    "Ferrari",
    "Dahl",
    "Vega",
    "Sato",
    "Volkov",
    "Adler",
    "Fontaine",
    "Kovacs",
    "Diallo",
    "Berg",
    "Ortiz",
    "Sokol",
    "Quinn",
    "Osei",
    "Larsen",
    "Strand",
    "Rojas",
    "Iyer",
    "Keller",
    "Nyberg",
    "Chen",
    "Popa",
    "Moreno",
    "Patel",
]
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "finance": ("cfo", "finance"),
    "finops": ("finops", "finance"),
    "procurement": ("procurement",),
    "platform": ("platform",),
}


def build_roster(seed: int, as_of: date) -> Directory:
    """Everybody. The first person of a team leads it and reports to the lead of the team above."""
    rows = [line.split("|") for line in TEAMS.strip().splitlines()]
    names = _names(seed)
    parents = {team: parent or None for team, _, parent, _, _ in rows}
    leads = {team: names[n] for n, (team, *_) in enumerate(rows)}
    people: dict[str, Person] = {}
    for team, _, _, _, _ in rows:
        above = leads[parents[team] or team]
        people |= _person(leads[team], team, above if above != leads[team] else None, ROLES.get(team, ()))
    working = [team for team in parents if team not in set(parents.values())]
    for number, name in enumerate(names[len(rows) : HEADCOUNT]):
        team = working[(number * 7 + number // len(working)) % len(working)]
        role = {"finops": ("finops",), "procurement": ("procurement",)}.get(team, ())
        people |= _person(name, team, leads[team], role)
    people = _with_leavers(people, set(leads.values()), seed, as_of)
    auditor = next(p for p in people.values() if p.team == "security-engineering" and p.left_on is None and not p.roles)
    people[auditor.id] = Person(auditor.id, auditor.name, auditor.email, auditor.team, auditor.manager, ("auditor",))
    teams = {
        team: Team(team, name, _id(leads[team]), centre, parents[team], tuple(filter(None, aliases.split(","))))
        for team, name, _, centre, aliases in rows
    }
    return Directory(people, teams, "finops")


def _names(seed: int) -> list[str]:
    every = [f"{first} {last}" for first in FIRST for last in LAST]
    order = generator(seed, "people").permutation(len(every))
    return ["Ana Silva" if n == 0 else every[k] for n, k in enumerate(k for k in order if every[k] != "Ana Silva")][
        :HEADCOUNT
    ]


def _id(name: str) -> str:
    return name.lower().replace(" ", ".")


def _person(name: str, team: str, manager: str | None, roles: tuple[str, ...]) -> dict[str, Person]:
    person = _id(name)
    return {person: Person(person, name, f"{person}@{MAIL}", team, _id(manager) if manager else None, roles)}


def _with_leavers(people: dict[str, Person], leads: set[str], seed: int, as_of: date) -> dict[str, Person]:
    """Some who are no lead, and the lead of one team, have left; where they stood, the chain of managers goes on."""
    rng = generator(seed, "leavers")
    candidates = [p for p in people.values() if p.name not in leads and not p.roles]
    chosen = [candidates[int(k)] for k in rng.choice(len(candidates), LEAVERS - 1, replace=False)]
    chosen.append(next(p for p in people.values() if p.team == "logistics" and p.name in leads))
    for person in chosen:
        left = as_of - timedelta(days=int(rng.integers(20, 330)))
        people[person.id] = Person(
            person.id, person.name, person.email, person.team, person.manager, person.roles, left.isoformat()
        )
    return people
