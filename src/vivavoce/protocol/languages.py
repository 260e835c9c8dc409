"""Language codes of the wire and the other spellings that real clients send. Contract §5.3."""

_TRANSCRIPTION = """
af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw
he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my
ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt
uk ur uz vi yi yo zh
"""
CANTONESE = "yue"
TRANSCRIPTION_CODES = tuple(_TRANSCRIPTION.split())

SPOKEN_CODES = (*TRANSCRIPTION_CODES, CANTONESE)
"""Those of the wire and what models of the user's own may speak beside them."""

TRANSLATION_CODES = tuple(sorted((*TRANSCRIPTION_CODES, "wo")))

# Pipecat's names for Javanese and Burmese, codes that ISO 639 has since renamed, and those that
# name Mandarin or Chinese in three letters.
ALIASES = {"jv": "jw", "mymr": "my", "iw": "he", "in": "id", "nb": "no", "fil": "tl"}
ALIASES |= dict.fromkeys(("cmn", "zho", "chi"), "zh")

SUBSTITUTES = {CANTONESE: "zh"}
"""What a language is transcribed as where no model has it: they share their writing."""


def resolve(code: str, known: tuple[str, ...]) -> str | None:
    """The known code that ``code`` means: any case, with or without a region (``zh-CN``)."""
    primary = code.strip().lower().replace("_", "-").split("-")[0]
    primary = ALIASES.get(primary, primary)
    return primary if primary in known else None
