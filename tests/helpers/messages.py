"""Texts that customers read, found in the source, beside their translations in ``locale/``. Needs no GNU gettext.

``make messages-update`` runs this file: it writes new texts into the translations and drops those that are gone.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parents[2]
LOCALE: Final = ROOT / "locale"
FOLDERS: Final = ("orders", "payments", "refunds", "services", "templates", "unlockshop")
# Staff work in English: what only they read is not translated.
STAFF: Final = re.compile(
    r"(^|/)(admin|migrations|management|demo|syncing|pricing)/|(^|/)admin\.py$|/admin_|/staff_|_admin\.py$"
    r"|/(dispute_|delay_|policy_)?forms\.py$|^(orders|payments)/models/"
    r"|^services/(models/(health|proof|device)|capability_words|balances|answer_patterns|tallying|supplier_rules)"
    r"|^payments/(states|evidence|disputing|reconciling|booking|reopening)\.py$"
    r"|^refunds/(models/|(policy_versions|reviewing|establishing|rehearsing|publishing|stored_scenarios|seconding|queues"
    r"|telling_delays|confirming|paying_out|second_codes|videos/keeping)\.py$)"
    r"|^orders/(inbound|lifecycle|states|reaching)\.py$"
)
# The storefront's own forms are not staff's.
CUSTOMERS: Final = re.compile(r"^unlockshop/storefront/")
# Arguments that only staff pages show.
STAFF_ARGUMENTS: Final = frozenset({"help_text", "verbose_name", "verbose_name_plural", "staff"})
PLAIN: Final = frozenset({"gettext", "gettext_lazy", "gettext_noop", "_"})
PLURAL: Final = frozenset({"ngettext", "ngettext_lazy"})
CONTEXT: Final = frozenset({"pgettext", "pgettext_lazy"})
# One placeholder: %(name)s, %s, %d or {name}. Two per cent signs are one sign.
PLACEHOLDER: Final = re.compile(r"%(?:\([^)]*\))?[sd]|%%|\{[^}]*\}")
# What stands between the words of a text and must stand in its translation.
MARKUP: Final = re.compile(r"<[^>]*>")

# Subjects, HTML and text of all mails.
MAILS: Final = tuple(sorted(f.relative_to(ROOT).as_posix() for f in (ROOT / "templates" / "emails").rglob("*.*")))
# Languages that are translated in part, with the files that must be complete. Spanish is complete.
PROOF: Final[dict[str, tuple[str, ...]]] = {
    "ar": (
        *MAILS,
        "templates/base.html",
        "templates/storefront/home.html",
        "templates/storefront/catalogue.html",
        "templates/storefront/service.html",
        "templates/storefront/checkout_details.html",
        "templates/storefront/checkout_check.html",
        "templates/storefront/tracker.html",
        "templates/storefront/order.html",
        "templates/storefront/device.html",
        "templates/storefront/error.html",
        "templates/storefront/partials/currency_menu.html",
        "templates/storefront/partials/currency_kept.html",
        "templates/storefront/partials/language_menu.html",
        "templates/storefront/partials/steps.html",
        "templates/storefront/partials/device_field.html",
        "templates/storefront/partials/error_summary.html",
        "templates/storefront/partials/catalogue_results.html",
        "templates/storefront/partials/service_tile.html",
        "templates/storefront/partials/money_back.html",
        "templates/storefront/partials/pay_buttons.html",
        "templates/storefront/partials/fit_instead.html",
        "templates/storefront/partials/terms_news.html",
        "templates/storefront/partials/tracker_order.html",
        "templates/storefront/partials/tracker_devices.html",
        "templates/storefront/partials/order_live.html",
        "templates/storefront/partials/order_facts.html",
        "templates/storefront/partials/order_help.html",
        "templates/storefront/partials/timeline.html",
        "templates/storefront/forms/errors.html",
        "templates/storefront/partials/cancelling.html",
        "templates/storefront/partials/cancelling_text.html",
        "templates/storefront/partials/clause_link.html",
        "templates/storefront/partials/mail_hints.html",
        "templates/storefront/partials/order_claims.html",
        "orders/events.py",
        "unlockshop/storefront/cancel_presenting.py",
        "unlockshop/storefront/order_presenting.py",
        "orders/moments.py",
        "orders/wording.py",
        "payments/wording.py",
        "services/instructions.py",
        "services/promises.py",
        "services/models/__init__.py",
        "services/browsing.py",
        "services/checklists.py",
        "unlockshop/storefront/catalogue_query.py",
        "unlockshop/storefront/checkout_forms.py",
        "unlockshop/storefront/forms.py",
        "unlockshop/storefront/device_views.py",
        "unlockshop/storefront/paying.py",
        "unlockshop/storefront/tracker_views.py",
    ),
}

# context, text, plural or None
Text = tuple[str, str, str | None]


def customer_files() -> list[Path]:
    """Source files and templates with texts for customers."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    names = sorted(path for path in found if path.suffix in {".py", ".html", ".txt"})
    return [path for path in names if not _is_staff(path.relative_to(ROOT).as_posix())]


def texts_of(path: Path) -> Iterator[tuple[Text, int]]:
    """The texts of one file, each with its line."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # One line at a time: a template's text has no syntax.
        lines = [line.strip() for line in templatize(source, origin=str(path)).split("\n")]
        for number, line in enumerate(lines, start=1):
            for call in re.finditer(r"\b(n?p?gettext) ?\(", line):
                tree = _call_at(line, call.start())
                yield from ((text, number) for text, _line in _called(tree, is_model=False))
        return
    yield from _called(ast.parse(source), is_model=path.parent.name == "models" or path.name == "events.py")


def wanted(language: str) -> dict[Text, list[str]]:
    """Every text that the language must have, with the places that it is read from."""
    only = PROOF.get(language)
    found: dict[Text, list[str]] = {}
    for path in customer_files():
        name = path.relative_to(ROOT).as_posix()
        if only is None or name in only:
            for text, line in texts_of(path):
                found.setdefault(text, []).append(f"{name}:{line}")
    return found


def told_apart_by_nothing() -> list[str]:
    """Texts that stand alone and for a number as well: an entry is one of both, so one of them needs a context."""
    texts = {text for path in customer_files() for text, _line in texts_of(path)}
    return sorted(single for context, single, plural in texts if plural and (context, single, None) in texts)


def catalog(language: str) -> Catalog:
    """The translations of one language."""
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language, domain="django")


def mistakes(text: Text, translation: str | tuple[str, ...], *, plurals: int) -> list[str]:
    """What is wrong with a translation: missing, a plural form missing, other placeholders or other markup."""
    _context, single, plural = text
    forms = (translation,) if isinstance(translation, str) else tuple(translation)
    if not all(forms) or not forms:
        return ["is not translated"]
    if len(forms) != (plurals if plural else 1):
        return [f"needs {plurals if plural else 1} forms, has {len(forms)}"]
    found = []
    required = {each for each in _placeholders(plural or single) if each != "%%"}
    allowed = required | _placeholders(single)
    for index, form in enumerate(forms):
        here = _placeholders(form)
        # A form for one or two things may name the number in words.
        optional = {"%(count)s", "%(count)d", "%(total)s", "%d"} if plural and index < len(forms) - 1 else set()
        optional |= required - _placeholders(single) if optional else set()
        if not here <= allowed | {"%%"} or (required - optional - here):
            found.append(f"placeholders {sorted(here)}, wanted {sorted(required)}")
        if sorted(MARKUP.findall(form)) not in [sorted(MARKUP.findall(each)) for each in (single, plural or single)]:
            found.append("has other markup")
    return found


def compile_stale() -> None:
    """Compile the languages whose texts changed since they were compiled."""
    for source in LOCALE.glob("*/LC_MESSAGES/django.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            fresh = compiled.with_suffix(f".{os.getpid()}")
            with fresh.open("wb") as file:
                write_mo(file, catalog(source.parts[-3]))
            fresh.replace(compiled)


def update(language: str) -> None:
    """Write the catalogue anew with the texts that the source has, keeping the translations that still fit."""
    old = catalog(language)
    new = Catalog(locale=language, domain="django", fuzzy=False, header_comment=old.header_comment)
    new.mime_headers = old.mime_headers
    for (context, single, plural), places in sorted(
        wanted(language).items(), key=lambda each: (each[1][0].rpartition(":")[0], each[0][1])
    ):
        known = old.get(single, context or None)
        is_same = known is not None and not known.fuzzy and isinstance(known.string, tuple) == bool(plural)
        empty = ("",) * new.num_plurals if plural else ""
        files = dict.fromkeys(place.rpartition(":")[0] for place in places)
        flags = {"python-format"} if "%" in single and _placeholders(single) else set()
        new.add(
            (single, plural) if plural else single,
            known.string if is_same and known else empty,
            locations=[(name, None) for name in files],  # type: ignore[misc]  # lines would change with every edit
            flags=flags,
            context=context or None,
        )
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("wb") as file:
        write_po(file, new, width=110, omit_header=False, sort_output=False)


def _is_staff(name: str) -> bool:
    return bool(STAFF.search(name)) and not CUSTOMERS.search(name)


def _called(tree: ast.AST, *, is_model: bool) -> Iterator[tuple[Text, int]]:
    """The texts given to translation functions below a node, left out what only staff pages show."""
    if isinstance(tree, ast.Call):
        name = tree.func.id if isinstance(tree.func, ast.Name) else getattr(tree.func, "attr", "")
        words = [each.value if isinstance(each, ast.Constant) else None for each in tree.args]
        if name in PLAIN and words and isinstance(words[0], str):
            yield ("", words[0], None), tree.lineno
        elif name in PLURAL and isinstance(words[0], str) and isinstance(words[1], str):
            yield ("", words[0], words[1]), tree.lineno
        elif name in CONTEXT and isinstance(words[0], str) and isinstance(words[1], str):
            yield (words[0], words[1], None), tree.lineno
        for argument in tree.args[1:] if name == "EventKind" else tree.args:
            yield from _called(argument, is_model=is_model)
        for keyword in tree.keywords:
            if not (is_model and keyword.arg in STAFF_ARGUMENTS):
                yield from _called(keyword.value, is_model=is_model)
        yield from _called(tree.func, is_model=is_model)
        return
    if is_model and isinstance(tree, ast.ClassDef) and tree.name == "Meta":
        return
    for child in ast.iter_child_nodes(tree):
        yield from _called(child, is_model=is_model)


def _call_at(line: str, start: int) -> ast.AST:
    """The call that begins there; its end is the first bracket with which it can be read."""
    for end in (match.end() for match in re.finditer(r"\)", line[start:])):
        try:
            return ast.parse(line[start : start + end], mode="eval")
        except SyntaxError:
            continue
    raise ValueError(f"cannot read {line[start:]}")


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def _main() -> None:
    for folder in sorted(LOCALE.glob("*/LC_MESSAGES")):
        update(folder.parent.name)
        subprocess.run(["git", "diff", "--stat", "--", str(folder)], cwd=ROOT, check=False)


if __name__ == "__main__":
    _main()
