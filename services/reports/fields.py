"""The fields of a report: what each is called by suppliers in many languages, and in which words it is answered.

Labels are compared without case, accents, spaces and signs, values word by word. A word that stands in no list says
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Field(StrEnum):
    """What a report can say of a device, in the order in which it is shown."""

    MODEL = "model"
    BRAND = "brand"
    PART_NUMBER = "part_number"
    IMEI = "imei"
    IMEI2 = "imei2"
    SERIAL = "serial"
    CARRIER = "carrier"
    COUNTRY = "country"
    SIM_LOCK = "sim_lock"
    BLACKLIST = "blacklist"
    BLACKLIST_REASON = "blacklist_reason"
    FIND_MY = "find_my"
    LOST_MODE = "lost_mode"
    MANAGEMENT = "management"
    FINANCED = "financed"
    CONTRACT = "contract"
    ACTIVATION = "activation"
    WARRANTY = "warranty"
    WARRANTY_UNTIL = "warranty_until"
    PURCHASED = "purchased"
    REPLACED = "replaced"
    REFURBISHED = "refurbished"
    LOANER = "loaner"


class Kind(StrEnum):
    """How a value is read."""

    TEXT = "text"
    STATE = "state"
    DATE = "date"
    IMEI = "imei"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class Spec:
    """One field: the suppliers' labels for it, and for a state which words mean what.

    ``yes`` and ``no`` are the states that a plain yes and no stand for; under an ``inverse`` label they change places.
    """

    kind: Kind
    labels: tuple[str, ...]
    yes: str = ""
    no: str = ""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inverse: tuple[str, ...] = ()


YES: Final = (
    "yes", "y", "true", "on", "si", "oui", "ja", "sim", "tak", "да", "evet", "نعم", "是", "はい", "enabled", "active",
    "activado", "activada", "aktiv", "ativado", "attivo", "włączone", "включен", "açık", "مفعل",
)  # fmt: skip
NO: Final = (
    "no", "n", "false", "off", "non", "nein", "nao", "nee", "nie", "нет", "hayır", "لا", "否", "いいえ", "disabled",
    "inactive", "desactivado", "desactivada", "inaktiv", "desativado", "disattivo", "desactive", "wyłączone",
    "выключен", "kapalı", "معطل",
)  # fmt: skip
UNKNOWN: Final = (
    "", "unknown", "n a", "na", "none", "null", "not available", "no data", "desconocido", "inconnu", "unbekannt",
    "sconosciuto", "desconhecido", "неизвестно", "bilinmiyor", "غير معروف", "未知", "不明", "undefined", "error",
)  # fmt: skip

SPECS: Final[Mapping[Field, Spec]] = {
    Field.MODEL: Spec(
        Kind.TEXT,
        (
            "model", "model name", "device", "device name", "marketing name", "model description", "description",
            "modelo", "modele", "modell", "modello", "модель", "الموديل", "الطراز", "型号", "機種",
        ),
    ),
    Field.BRAND: Spec(
        Kind.TEXT,
        (
            "brand", "brand name", "manufacturer", "make", "marca", "marque", "hersteller", "fabricante", "fabricant",
            "производитель", "бренд", "الماركة", "品牌",
        ),
    ),
    Field.PART_NUMBER: Spec(Kind.TEXT, ("part number", "mpn", "model number", "sku")),
    Field.IMEI: Spec(Kind.IMEI, ("imei", "imei1", "imei number", "numero imei")),
    Field.IMEI2: Spec(Kind.IMEI, ("imei2", "second imei")),
    Field.SERIAL: Spec(
        Kind.SERIAL,
        (
            "serial", "serial number", "serial no", "sn", "numero de serie", "seriennummer", "numero di serie",
            "серийный номер", "الرقم التسلسلي", "序列号",
        ),
    ),
    Field.CARRIER: Spec(
        Kind.TEXT,
        (
            "carrier", "initial carrier", "original carrier", "locked carrier", "locked to", "lock network", "network",
            "operator", "original operator", "operador", "operadora", "operateur", "netzbetreiber", "operatore",
            "оператор", "المشغل", "运营商", "activation policy", "applied activation policy",
            "original network",
        ),
    ),
    Field.COUNTRY: Spec(
        Kind.TEXT,
        (
            "country", "purchase country", "sales country", "country of purchase", "sold in", "pais", "pais de compra",
            "pays", "pays d achat", "land", "verkaufsland", "paese", "страна", "الدولة", "国家",
        ),
    ),
    Field.SIM_LOCK: Spec(
        Kind.STATE,
        (
            "sim lock", "lock", "network lock", "carrier lock", "locked", "sim locked",
            "bloqueo de sim", "bloqueo sim", "bloqueo de red", "sim gesperrt", "blocco sim", "bloqueio de sim",
            "blokada sim", "verrouillage sim", "verrouillage operateur", "блокировка sim", "sim kilidi", "قفل الشريحة",
            "قفل الشبكة", "网络锁", "simロック",
        ),
        yes="locked",
        no="unlocked",
        words={
            "locked": (
                "locked", "sim locked", "network locked", "carrier locked", "bloqueado", "bloqueada", "bloque",
                "verrouille", "gesperrt", "bloccato", "vergrendeld", "zablokowany", "заблокирован", "kilitli", "مقفل",
                "有锁",
            ),
            "unlocked": (
                "unlocked", "sim unlocked", "network unlocked", "carrier unlocked", "factory unlocked", "not locked",
                "no lock", "sim free", "desbloqueado", "desbloqueada", "liberado", "libre", "desimlocke", "debloque",
                "deverrouille", "entsperrt", "frei", "ohne simlock", "sbloccato", "simlockvrij", "bez blokady",
                "разблокирован", "kilitsiz", "غير مقفل", "مفتوح", "无锁", "simフリー",
            ),
        },
        inverse=("unlocked", "sim unlocked", "is unlocked", "desbloqueado", "liberado", "entsperrt"),
    ),
    Field.BLACKLIST: Spec(
        Kind.STATE,
        (
            "blacklist", "blacklisted", "gsma blacklist", "blocked", "block", "block list",
            "reported lost or stolen", "lost or stolen", "stolen", "lista negra", "liste noire", "sperrliste",
            "lista nera", "czarna lista", "черный список", "kara liste", "القائمة السوداء", "黑名单", "ブラックリスト",
        ),
        yes="blocked",
        no="clean",
        words={
            "blocked": (
                "blacklisted", "blocked", "blacklist", "lost", "stolen", "lost or stolen", "lost stolen",
                "reported lost or stolen", "reported stolen", "reported lost", "barred", "bad", "bad esn",
                "bloqueado", "robado", "perdido", "perdido o robado", "bloque", "vole", "perdu", "gesperrt",
                "gestohlen", "bloccato", "rubato",
                "roubado", "skradziony", "в черном списке", "украден", "محظور", "مسروق", "黑名单",
            ),
            "clean": (
                "clean", "not blacklisted", "not blocked", "not reported", "not reported lost or stolen", "limpio",
                "limpia", "no bloqueado", "propre", "non bloque", "sauber", "nicht gesperrt", "pulito", "limpo",
                "czysty", "чистый", "temiz", "نظيف", "干净", "正常",
            ),
        },
    ),
    Field.BLACKLIST_REASON: Spec(Kind.TEXT, ("reason", "blacklist reason", "blocked reason", "motivo", "grund")),
    Field.FIND_MY: Spec(
        Kind.STATE,
        (
            "find my", "find my iphone", "find my device", "fmi", "fmip", "icloud lock", "activation lock",
            "icloud activation lock", "icloud", "buscar mi iphone", "buscar", "localiser mon iphone",
            "mein iphone suchen", "wo ist", "dov e", "найти iphone", "العثور على iphone", "查找我的iphone",
        ),
        yes="on",
        no="off",
        words={"on": ("locked", "find my on"), "off": ("unlocked", "not locked", "find my off")},
    ),
    Field.LOST_MODE: Spec(
        Kind.STATE,
        ("lost mode", "icloud status", "icloud clean lost", "modo perdido", "mode perdu", "verloren modus"),
        words={
            "lost": ("lost", "lost mode", "stolen", "lost or stolen", "erased", "perdido", "perdu", "verloren"),
            "clean": ("clean", "not lost", "limpio", "propre", "sauber"),
        },
    ),
    Field.MANAGEMENT: Spec(
        Kind.STATE,
        ("mdm", "mdm lock", "remote management", "managed", "knox guard", "kg", "gerateverwaltung"),
        yes="on",
        no="off",
        words={"on": ("enrolled", "locked", "managed"), "off": ("not enrolled", "unlocked", "not managed", "clean")},
    ),
    Field.FINANCED: Spec(
        Kind.STATE,
        (
            "financed", "finance", "device financed", "outstanding balance", "unpaid balance", "financiado",
            "finanziert",
        ),
        yes="yes",
        no="no",
        words={
            "yes": ("financed", "balance due", "balance reported", "unpaid", "outstanding"),
            "no": ("not financed", "paid", "paid off", "paid in full", "no balance", "no balance reported"),
        },
    ),
    Field.CONTRACT: Spec(
        Kind.STATE,
        ("contract", "in contract", "contrato", "contrat", "vertrag"),
        yes="running",
        no="ended",
        words={
            "running": ("in contract", "under contract", "running"),
            "ended": ("ended", "out of contract", "no contract", "expired", "fulfilled"),
        },
        inverse=("out of contract", "contract ended"),
    ),
    Field.ACTIVATION: Spec(
        Kind.STATE,
        ("activation", "activated", "device activated", "activacion", "aktivierung", "attivazione", "активация"),
        yes="activated",
        no="not_activated",
        words={
            "activated": ("activated", "activado", "aktiviert", "attivato"),
            "not_activated": ("not activated", "unactivated", "no activado", "nicht aktiviert", "brand new"),
        },
    ),
    Field.WARRANTY: Spec(
        Kind.STATE,
        (
            "warranty", "apple warranty", "coverage", "service cover", "repairs and service coverage", "garantia",
            "garantie", "garanzia", "gwarancja", "гарантия", "garanti", "الضمان", "保修",
        ),
        yes="active",
        no="expired",
        words={
            "active": (
                "active", "in warranty", "under warranty", "covered", "limited warranty", "applecare", "vigente",
                "en garantia", "sous garantie", "in garantie", "in garanzia", "действует",
            ),
            "expired": (
                "expired", "out of warranty", "not covered", "no warranty", "caducada", "expirada", "vencida",
                "expiree", "hors garantie", "abgelaufen", "scaduta", "fuori garanzia", "истекла",
            ),
        },
        inverse=("out of warranty", "warranty expired"),
    ),
    Field.WARRANTY_UNTIL: Spec(
        Kind.DATE,
        ("warranty until", "warranty expires", "warranty end", "warranty expiry", "coverage end", "garantia hasta"),
    ),
    Field.PURCHASED: Spec(
        Kind.DATE,
        (
            "purchase date", "estimated purchase date", "date of purchase", "sold on", "coverage start", "bought",
            "fecha de compra", "date d achat", "kaufdatum", "data di acquisto", "data da compra", "дата покупки",
            "تاريخ الشراء", "购买日期",
        ),
    ),
    Field.REPLACED: Spec(
        Kind.STATE, ("replaced", "replaced device", "replacement", "reemplazado", "remplace", "ersetzt"), "yes", "no"
    ),
    Field.REFURBISHED: Spec(
        Kind.STATE, ("refurbished", "refurbished device", "reacondicionado", "reconditionne"), "yes", "no"
    ),
    Field.LOANER: Spec(Kind.STATE, ("loaner", "loaner device", "demo unit", "demo device"), "yes", "no"),
}  # fmt: skip

# A label that means a blacklist only where the word behind it is one of the blacklist's own: "Status: Clean".
VAGUE_LABELS: Final = (
    "status", "state", "device status", "estado", "statut", "zustand", "stato", "статус", "الحالة", "gsma",
    "gsma status", "esn", "esn status",
)  # fmt: skip
