"""Writes the sample directory, conf/sample/directory.ldif, to standard output: the same bytes on every run.

Two hundred people with names from everywhere, an organization tree of three levels, groups in groups. Nobody in it exists.
"""

from __future__ import annotations

import base64
import itertools
import sys
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

SUFFIX = "dc=sample,dc=example"
NAMESPACE = uuid.UUID("6f1c1a52-5b0d-4b6c-9f0e-2f6a3c1d7e10")
Entry: TypeAlias = list[tuple[str, str | bytes]]
"""Attribute and value, the DN first."""

PEOPLE_OF_EACH = 20
LINE_CHARACTERS = 76

# A grey JPEG of one pixel.
PHOTO = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP////////////////////////////////////////////////////////////////"
    "//////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)

# Department → its parts → theirs. The comma in one name must be escaped in every DN below it.
TREE: dict[str, dict[str, tuple[str, ...]]] = {
    "Engineering": {"Platform": ("Databases", "Networks"), "Product": ("Mobile", "Web"), "Quality": ()},
    "Sales": {"Europe": ("DACH", "Nordics"), "Americas": ("Brazil",), "Asia Pacific": ("China", "Japan")},
    "People & Culture": {"Recruiting": (), "Payroll": ()},
    "Finance": {"Accounting": (), "Controlling": ()},
    "Operations": {"Facilities": (), "Support, day and night": ("First Line", "Second Line")},
}

TITLES = ("Engineer", "Senior Engineer", "Analyst", "Consultant", "Specialist", "Team Lead", "Assistant", "Manager")
LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "ı": "i", "æ": "ae", "å": "a"})


@dataclass(frozen=True, slots=True)
class Region:
    """A region that people come from. A name that is not in Latin letters is written `name/its transcription`."""

    language: str
    town: str
    dialing_code: str
    given: str
    family: str


REGIONS = (
    Region(
        "de", "München", "+49 89 5550", "Anna Jörg Katharina Lukas Sören Ute Jürgen Greta", "Müller Schröder Weiß Vogel Krüger"
    ),
    Region(
        "fr", "Lyon", "+33 4 5550", "Élodie François Chloé Rémi Aurélie Benoît Zoé Gaël", "Lefèvre Moreau Girard Chevalier Noël"
    ),
    Region(
        "pl",
        "Łódź",
        "+48 42 5550",
        "Łukasz Małgorzata Paweł Zofia Stanisław Ewa Michał Kinga",
        "Wójcik Kowalska Zając Dąbek Nowak",
    ),
    Region(
        "da", "Århus", "+45 8 5550", "Søren Åse Mikkel Bjørn Freja Jørgen Signe Lærke", "Nørgaard Kjær Østergaard Holm Friis"
    ),
    Region(
        "pt",
        "São Paulo",
        "+55 11 5550",
        "João Conceição Thaís Luís Inês Caetano Glória Heitor",
        "Gonçalves Araújo Simões Leitão Barros",
    ),
    Region(
        "tr",
        "İzmir",
        "+90 232 5550",
        "Çağla Ömer Şule Yiğit Gülşen Barış Işıl Kerem",
        "Yılmaz Öztürk Çelik Şahin Güneş",
    ),
    Region(
        "vi",
        "Đà Nẵng",
        "+84 236 5550",
        "Minh Hương Tuấn Ngọc Đức Thảo Quân Lan",
        "Nguyễn Trần Phạm Đặng Vũ",
    ),
    Region(
        "zh",
        "上海",
        "+86 21 5550",
        "伟/Wei 芳/Fang 娜/Na 敏/Min 静/Jing 强/Qiang 磊/Lei 洋/Yang",
        "王/Wang 李/Li 张/Zhang 刘/Liu 陈/Chen",
    ),
    Region(
        "ja",
        "大阪市",
        "+81 6 5550",
        "陽子/Yoko 健太/Kenta 美咲/Misaki 翔/Sho 直樹/Naoki 愛/Ai 大輔/Daisuke 結衣/Yui",
        "佐藤/Sato 鈴木/Suzuki 高橋/Takahashi 渡辺/Watanabe 小林/Kobayashi",
    ),
    Region(
        "uk",
        "Київ",
        "+380 44 5550",
        "Олена/Olena Тарас/Taras Оксана/Oksana Андрій/Andrii Юлія/Yuliia Богдан/Bohdan Ірина/Iryna Остап/Ostap",
        "Шевченко/Shevchenko Коваленко/Kovalenko Бондар/Bondar Мельник/Melnyk Лисенко/Lysenko",
    ),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A person and the place of its entry."""

    number: int
    region: Region
    given: tuple[str, str]  # as written, in Latin letters
    family: tuple[str, str]
    unit: str

    @property
    def uid(self) -> str:
        return f"{plain(self.given[1])}.{plain(self.family[1])}"

    @property
    def dn(self) -> str:
        return f"uid={self.uid},{self.unit}"


def plain(name: str) -> str:
    """The name in lower-case ASCII letters."""
    decomposed = unicodedata.normalize("NFKD", name.translate(LETTERS))
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalnum()).lower()


def spelled(name: str) -> tuple[str, str]:
    """A name as written and in Latin letters."""
    written, _, latin = name.partition("/")
    return written, latin or written


def units() -> Iterator[tuple[str, str]]:
    """Each organizational unit as (name, DN), parents first."""
    for department, parts in TREE.items():
        yield department, (at := f"ou={department},{SUFFIX}")
        for part, teams in parts.items():
            yield part, (below := f"ou={part.replace(',', chr(92) + ',')},{at}")
            yield from ((team, f"ou={team},{below}") for team in teams)


def people() -> list[Person]:
    """Everybody, spread over the units."""
    places = itertools.cycle([dn for _, dn in units()])
    everybody: list[Person] = []
    for turn in range(PEOPLE_OF_EACH):
        for region in REGIONS:
            given, family = region.given.split(), region.family.split()
            # 8 given and 5 family names have no common divisor: the first 40 pairs differ.
            names = spelled(given[turn % len(given)]), spelled(family[turn % len(family)])
            everybody.append(Person(len(everybody) + 1, region, *names, next(places)))
    return everybody


def unit_entries() -> Iterator[Entry]:
    yield [("dn", SUFFIX), ("objectClass", "dcObject"), ("objectClass", "organization"), ("dc", "sample"), ("o", "Sample Ltd.")]
    for name, dn in units():
        yield [
            ("dn", dn),
            ("objectClass", "organizationalUnit"),
            ("ou", name),
            ("description", f"Everybody in {name}"),
            uid_of(dn),
        ]


def person_entry(person: Person) -> Entry:
    written = f"{person.given[0]} {person.family[0]}"
    latin = f"{person.given[1]} {person.family[1]}"
    entry: Entry = [("dn", person.dn), ("objectClass", "inetOrgPerson"), ("uid", person.uid)]
    entry += [("cn", name) for name in dict.fromkeys((written, latin))]
    entry += [("sn", person.family[0]), ("givenName", person.given[0]), ("displayName", written)]
    entry += [("mail", f"{person.uid}@sample.example"), ("title", TITLES[person.number % len(TITLES)])]
    entry += [("telephoneNumber", f"{person.region.dialing_code} {person.number:03}"), ("l", person.region.town)]
    entry += [("employeeNumber", f"S{10_000 + person.number}"), ("preferredLanguage", person.region.language)]
    if person.number % 3 == 0:
        entry.append(("mobile", f"{person.region.dialing_code.split()[0]} 555 01{person.number:03}"))
    if person.number % 10 == 1:
        entry.append(("jpegPhoto", PHOTO))
    return [*entry, uid_of(person.dn)]


def group_entries(everybody: list[Person]) -> Iterator[Entry]:
    """A group for each unit that has people, one for each department that holds those groups, and some across."""
    departments: dict[str, list[str]] = {department: [] for department in TREE}
    for name, unit in units():
        dn = f"cn={plain(name)},{unit}"
        departments[unit.removesuffix(f",{SUFFIX}").rpartition("ou=")[2]].append(dn)
        yield group(dn, f"The team {name}", [person.dn for person in everybody if person.unit == unit])
    whole = [f"cn={plain(department)}-all,{SUFFIX}" for department in TREE]
    for dn, department in zip(whole, TREE, strict=True):
        yield group(dn, f"{department}, all teams", departments[department])
    yield group(f"cn=all-staff,{SUFFIX}", "Everybody", whole)
    yield group(f"cn=vpn-users,{SUFFIX}", "May work from outside", [person.dn for person in everybody[::4]])
    yield group(f"cn=administrators,{SUFFIX}", "Look after the machines", [everybody[0].dn, everybody[7].dn])


def group(dn: str, description: str, members: list[str]) -> Entry:
    name = dn.partition(",")[0].removeprefix("cn=")
    entry: Entry = [("dn", dn), ("objectClass", "groupOfNames"), ("cn", name)]
    return [*entry, ("description", description), *(("member", member) for member in members), uid_of(dn)]


def uid_of(dn: str) -> tuple[str, str]:
    return "entryUUID", str(uuid.uuid5(NAMESPACE, dn))


def lines(entry: Entry) -> Iterator[str]:
    """RFC 2849, long lines folded; what is not printable ASCII in base64."""
    for name, value in entry:
        if isinstance(value, str) and value.isascii() and not value.startswith((" ", ":", "<")):
            line = f"{name}: {value}"
        else:
            line = f"{name}:: {base64.b64encode(value.encode() if isinstance(value, str) else value).decode()}"
        yield line[:LINE_CHARACTERS]
        for at in range(LINE_CHARACTERS, len(line), LINE_CHARACTERS - 1):
            yield " " + line[at : at + LINE_CHARACTERS - 1]
    yield ""


def directory() -> str:
    """The whole file."""
    everybody = people()
    entries = itertools.chain(unit_entries(), map(person_entry, everybody), group_entries(everybody))
    head = ["version: 1", "# The sample directory, written by scripts/sample_directory.py. Nobody in it exists.", ""]
    return "\n".join(itertools.chain(head, *map(lines, entries)))


if __name__ == "__main__":
    sys.stdout.write(directory())
