"""What is wrong with how a mail looks: one call to action, the same said in text, readable in light and in dark."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from orders.mailing import MailMessage
from orders.models import OutgoingMail

AA: Final = 4.5
MOST_BYTES: Final = 60_000
LONGEST_LINE: Final = 400
VOID: Final = frozenset({"meta", "br", "hr", "img", "link", "input"})
BLOCKS: Final = frozenset({"h1", "h2", "p", "li", "td", "div"})
SILENT: Final = frozenset({"style", "title", "script"})
FOREIGN: Final = re.compile(
    r"<(img|script|link|iframe|form|video|audio|object|svg)\b|url\(|@import|\b(src|background)="
)
# Text beside these stands on the wrong side in a language that runs from right to left.
ONE_SIDED: Final = re.compile(r"(margin|padding|border)-(left|right)\b|text-align:\s*(left|right)|float:")
ADDRESS: Final = re.compile(r"https?://\S+")
COLOURS: Final = re.compile(r"(?<![-\w])(background|color):\s*(#[0-9a-f]{6})")


@dataclass
class Ground:
    """What an element shows its text in and on."""

    color: str = "#000000"
    background: str = "#ffffff"

    def under(self, declared: str) -> Ground:
        """The same, with what a style declares."""
        return Ground(**{"color": self.color, "background": self.background, **dict(COLOURS.findall(declared))})


@dataclass
class Open:
    """An element whose end has not come."""

    tag: str
    light: Ground
    dark: Ground
    is_hidden: bool
    is_link: bool
    words: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A mail as it is read: its paragraphs, its links, and what each word is shown in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.classes: list[str] = []
        self.paragraphs: list[str] = []
        self.links: list[tuple[str, str]] = []  # class, address
        self.shown: list[tuple[str, Ground, Ground]] = []
        self.spoken: list[tuple[str, str, str]] = []  # tag, language, direction
        self.preview = ""
        scheme = html.partition("prefers-color-scheme: dark")[2].partition("</style>")[0]
        self._rules = dict(re.findall(r"\.([a-z]+) \{([^}]*)\}", scheme))
        self._open: list[Open] = [Open("", Ground(), Ground(), is_hidden=False, is_link=False)]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        names, style, above = values.get("class", "").split(), values.get("style", ""), self._open[-1]
        self.classes += names
        if "lang" in values:
            self.spoken.append((tag, values["lang"], values.get("dir", "")))
        if tag == "a":
            self.links.append((" ".join(names), values.get("href", "")))
        if tag in VOID:
            return
        dark = above.dark.under(style)
        for name in names:
            dark = dark.under(self._rules.get(name, ""))
        is_hidden = above.is_hidden or tag in SILENT or "preview" in names
        is_link = above.is_link or (tag == "a" and values.get("href", "").startswith("http"))
        if tag in BLOCKS:
            self._close_paragraph()
        self._open.append(Open(tag, above.light.under(style), dark, is_hidden, is_link))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self._close_paragraph()
        while len(self._open) > 1 and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        here = self._open[-1]
        if not data.strip():
            return
        if here.is_hidden:
            if here.tag == "div":
                self.preview += data
            return
        self.shown.append((data.strip(), here.light, here.dark))
        # Where a link leads is compared, not what it is called: in text the address stands for it.
        if not here.is_link:
            self._open[0].words.append(data)

    def _close_paragraph(self) -> None:
        words = " ".join(" ".join(self._open[0].words).split())
        self._open[0].words.clear()
        if bare(words):
            self.paragraphs.append(words)


def bare(text: str) -> str:
    """Letters and digits alone: what is said, however it is set."""
    return "".join(c for c in text if c.isalnum())


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ground: Ground) -> float:
    """Between 1 and 21, as WCAG 2 defines it."""
    light, dark = sorted((luminance(ground.color), luminance(ground.background)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def wrongs(message: MailMessage, mail: OutgoingMail, language: str, *, facts: int = 1) -> list[str]:
    """Every rule of how mails look that this one breaks, in words; ``facts`` is how many it shows large."""
    page = Page(message.html)
    return [
        *_of_the_frame(message, page, language, facts),
        *_of_the_inbox(message, page, mail),
        *_of_the_text(message, page),
        *_of_the_colours(page),
    ]


def _of_the_frame(message: MailMessage, page: Page, language: str, facts: int) -> list[str]:
    html, direction = message.html, "rtl" if language == "ar" else "ltr"
    found = [f"the {name} is there {n} times" for name, n, wanted in [
        ("headline", html.count("<h1"), 1), ("button", page.classes.count("button"), 1),
        ("label", page.classes.count("label"), 1), ("brand", page.classes.count("brand"), 1),
        ("fact", page.classes.count("fact"), facts),
    ] if n != wanted]  # fmt: skip
    spoken = [tag for tag, *said in page.spoken if said == [language, direction]]
    found += [f"{tag} does not say its language and direction" for tag in ("html", "div") if tag not in spoken]
    found += [f"foreign or active: {hit[0]}" for hit in FOREIGN.finditer(html)]
    found += [f"one-sided: {hit[0]}" for hit in ONE_SIDED.finditer(html)]
    # A link without a class keeps the browser's blue, which nobody can read on dark ground.
    found += [f"a link without a class: {href}" for name, href in page.links if name not in {"link", "label"}]
    found += ["too large"] if len(html.encode()) >= MOST_BYTES else []
    found += ["a left-over of the template"] if re.search(r"{[{%#]|[%#}]}|\bNone\b", html + message.text) else []
    return found


def _of_the_inbox(message: MailMessage, page: Page, mail: OutgoingMail) -> list[str]:
    told = " ".join(page.preview.replace("\u034f", " ").split())
    found = []
    if len(told) < 15:
        found.append("the preview is empty")
    if bare(told).casefold() in bare(message.subject).casefold() or message.subject.casefold() in told.casefold():
        found.append("the preview says the subject again")
    secrets = {"12345678", mail.to, *(order.identifier for order in mail.purchase.orders.all())}
    found += [f"a secret in the inbox's line: {each}" for each in secrets if each in told or each in message.subject]
    if re.search(r"[\r\n]", message.subject) or not message.subject:
        found.append("the subject is empty or breaks")
    return found


def _of_the_text(message: MailMessage, page: Page) -> list[str]:
    lines = message.text.splitlines()
    addresses = {hit for line in lines for hit in ADDRESS.findall(line)}
    found = [f"not in the text: {href}" for _, href in page.links if href.startswith("http") and href not in addresses]
    buttons = [href for name, href in page.links if name == "label"]
    found += ["the call to action has no line of its own"] if not set(buttons) <= set(lines) else []
    found += [f"shares its line: {line}" for line in lines if "http" in line and not ADDRESS.fullmatch(line.strip())]
    found += [f"a long line: {line[:40]}" for line in lines if len(line) > LONGEST_LINE]
    found += [
        f"markup in the text: {hit[0]}" for hit in re.finditer(r"&#?\w+;|</?(p|td|br|strong|span)\b", message.text)
    ]
    said, at = bare(ADDRESS.sub("", message.text)), 0
    for paragraph in page.paragraphs[1:]:  # above all stands the shop's name, which the text ends with
        words = bare(ADDRESS.sub("", paragraph))
        place = said.find(words, at)
        if place < 0:
            kind = "in another order" if words in said else "not"
            found.append(f"{kind} in the text: {paragraph}")
        else:
            at = place + len(words)
    return found


def _of_the_colours(page: Page) -> list[str]:
    return [
        f"unreadable in {scheme}: {words[:40]} ({ground.color} on {ground.background})"
        for words, light, dark in page.shown
        for scheme, ground in (("light", light), ("dark", dark))
        if contrast(ground) < AA
    ]
