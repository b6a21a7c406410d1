"""The corpus's other half: links in what people write round them."""

from tests.unit.magnet_corpus import NAME, OTHER, V1, A, B, D, M, N, O, S, Spelling, X, many, none

L = f"{M}&dn=Old"
R = M + D
OLD = "Old"


def inside(what: str, before: str, behind: str) -> Spelling:
    """Return a link with a name, with *before* and *behind* round it, that ends where the name does."""
    return S(what, before + L + behind, before + R + behind, name=OLD)


# fmt: off
# ruff: noqa: E501 - a spelling a line
ENDED = tuple(inside(what, "", behind) for what, behind in (
    ("a comma", ", and"), ("a full stop", "."), ("a full stop and words", ". And"), ("a semicolon", "; and"),
    ("an exclamation", "!"), ("a question", "?"), ("an ellipsis", "…"), ("three dots", "..."), ("a colon", ": and"),
    ("several", "!?.."), ("an ideographic stop", "。"), ("an ideographic comma", "、好"), ("a full-width comma", "，好"),
    ("a full-width exclamation", "！"), ("a full-width question", "？"), ("a full-width colon", "：好"),
    ("a full-width semicolon", "；好"), ("a full-width stop", "．"), ("a half-width stop", "｡"),
    ("a danda", "।"), ("a danda and Hindi", "।यह फ़िल्म देखो"), ("a double danda", "॥देखो"), ("an Arabic comma", "،ثم هذا"),
    ("an Arabic semicolon", "؛ثم"), ("an Arabic question", "؟ثم"), ("an Urdu stop", "۔یہ دیکھو"), ("an Ethiopic stop", "።እንግዲህ"),
    ("an Ethiopic comma", "፣እና"), ("an Ethiopic semicolon", "፤እና"), ("a Khmer stop", "។មើល"), ("a Burmese stop", "။ကြည့်"),
    ("a Burmese comma", "၊ကြည့်"), ("an Armenian stop", "։Տես"), ("an Armenian comma", "՝տես"), ("a Khmer colon", "៖មើល"),
    ("a Khmer end", "៚មើល"), ("an Ethiopic colon", "፥እና"), ("an Ethiopic preface colon", "፦እና"),
    ("an Ethiopic paragraph", "፨እንግዲህ"), ("a Tibetan shad", "།ལྟོས།"), ("a Tibetan double shad", "༎ལྟོས"),
    ("a Mongolian comma", "᠂үз"), ("a Mongolian stop", "᠃үз"), ("a Syriac stop", "܀ܚܙܝ"), ("a Sinhala stop", "෴බලන්න"),
    ("a Hebrew stop", "׃ראה"), ("a double exclamation", "‼快"), ("an interrobang", "‽look"), ("a Greek question", "\u037eδες"),
    ("Korean", "\u3000다운로드"), ("an ideographic space", "\u3000好"), ("a tab", "\tx"), ("a line", "\nx"),
    ("a Windows line", "\r\nx"), ("a no-break space", "\u00a0x"), ("a zero-width space", "\u200bx"),
    ("an emoji", "🧲"), ("an emoji and CJK", "🔥快"), ("a right-to-left mark", "\u200f"), ("Arabic", " تحميل"),
    ("Hebrew", " להורדה"), ("a pipe", " | 1.4 GB |"), ("a double quote", '"'), ("an angle", "<br>"), ("a backtick", "`"),
    ("NUL", "\0x"), ("a line separator", "\u2028x"),
)) + tuple(inside(f"enclosed in {before} {behind}", before, behind) for before, behind in (
    ("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("“", "”"), ("‘", "’"), ("'", "'"), ('"', '"'), ("«", "»"),
    ("‹", "›"), ("（", "）"), ("［", "］"), ("｛", "｝"), ("【", "】"), ("《", "》"), ("〈", "〉"), ("「", "」"),
    ("『", "』"), ("〔", "〕"), ("〖", "〗"), ("｢", "｣"), ("(", ")."), ("（", "），好"), ("((", "))"), ("`", "`"), ("```\n", "\n```"),
    ("**", "**"), ("__", "__"), ("*", "*"), ("~~", "~~"), ("||", "||"), ("[x](", ")"), ("![x](", ") y"), ("> ", ""),
    ("> > ", "\n> more"), ("- ", "\n- next"), ("1. ", ""), ("| a | ", " | b |"), ("种子：", ""), ("看这个", "，快"), ("🧲", ""),
    ("\u202b", "\u202c"), ("تحميل ", ""), ('{"url": "', '"}'), ("['", "', 'x']"), ('a,"', '",b'), ("a;", "; b"),
    ('<a href="', '">x</a>'), ("<a href='", "'>x</a>"), ("<code>", "</code>"), ("href=&quot;", "&quot;"), ("url:", ""),
    ("\ufeff", ""), ("&lt;", "&gt;"),
))

PASTED = (
    # HTML
    S("&amp;", f"{M}&amp;dn=Old&amp;tr=x", f"{M}&amp;dn={N}&amp;tr=x", name=OLD, trackers=("x",)),
    S("&#38;", f"{M}&#38;dn=Old&#38;tr=x", f"{M}&#38;dn={N}&#38;tr=x", name=OLD, trackers=("x",)),
    S("&#x26;", f"{M}&#x26;dn=Old&#x26;tr=x", f"{M}&#x26;dn={N}&#x26;tr=x", name=OLD, trackers=("x",)),
    S("&#038; without a name", f"{M}&#038;tr=x", f"{M}&#038;dn={N}&#038;tr=x", trackers=("x",)),
    S("&amp; without a name", f'<a href="{M}&amp;tr=x">', f'<a href="{M}&amp;dn={N}&amp;tr=x">', trackers=("x",)),
    S("a reference in a name", f"{M}&amp;dn=Ocean&#39;s&amp;xl=1", f"{M}&amp;dn={N}&amp;xl=1", name="Ocean's"),
    S("no quotes", f"<a href={M}&amp;dn=Old>x</a>", f"<a href={M}&amp;dn={N}>x</a>", name=OLD),
    # names that nobody escaped
    S("raw CJK", f"{M}&dn=三体全集&tr=x", f"{R}&tr=x", name="三体全集", trackers=("x",)),
    S("raw CJK at the end", f"{M}&dn=三体全集", R, name="三体全集"),
    S("raw CJK and punctuation", f"{M}&dn=三体：全集【完】&tr=x", f"{R}&tr=x", name="三体：全集【完】", trackers=("x",)),
    S("raw CJK and a comma at the end", f"{M}&dn=三体，全集", f"{R}，全集", name="三体"),
    S("raw CJK behind a plain name", f"{M}&dn=Old快下载", R, name="Old快下载"),
    S("a raw space", f"{M}&dn=Some Name&tr=x", f"{R}&tr=x", name="Some Name", trackers=("x",)),
    S("a raw space and no more", f"{M}&dn=Some Name", f"{R} Name", name="Some"),
    S("raw brackets", f"{M}&dn=Film (2020) [1080p]&xl=1", f"{R}&xl=1", name="Film (2020) [1080p]"),
    S("a raw &", f"{M}&dn=Tom & Jerry&tr=x", f"{R}&tr=x", name="Tom & Jerry", trackers=("x",)),
    S("raw emoji", f"{M}&dn=A🎬B&tr=x", f"{R}&tr=x", name="A🎬B", trackers=("x",)),
    S("raw Arabic", f"{M}&dn=فيلم&tr=x", f"{R}&tr=x", name="فيلم", trackers=("x",)),
    S("raw Hebrew at the end", f"{M}&dn=סרט", R, name="סרט"),
    S("raw Cyrillic", f"{M}&dn=Мастер и Маргарита&tr=x", f"{R}&tr=x", name="Мастер и Маргарита", trackers=("x",)),
    S("raw Devanagari", f"{M}&dn=मूवी&tr=x", f"{R}&tr=x", name="मूवी", trackers=("x",)),
    S("raw Hindi, punctuation and spaces", f"{M}&dn=एक। दो फ़िल्म&tr=x", f"{R}&tr=x", name="एक। दो फ़िल्म", trackers=("x",)),
    S("raw Hindi and a danda at the end", f"{M}&dn=एक।दो", f"{R}।दो", name="एक"),
    S("raw Arabic and a comma", f"{M}&dn=أول،ثان&tr=x", f"{R}&tr=x", name="أول،ثان", trackers=("x",)),
    S("raw Arabic and a question at the end", f"{M}&dn=أين؟ هنا", f"{R}؟ هنا", name="أين"),
    S("raw Persian with a joiner", f"{M}&dn=می\u200cخواهم", R, name="می\u200cخواهم"),
    S("raw Persian, joiner and semicolon", f"{M}&dn=می\u200cخواهم؛ فیلم&xl=1", f"{R}&xl=1", name="می\u200cخواهم؛ فیلم"),
    S("raw Urdu", f"{M}&dn=فلم۔ حصہ ۲&tr=x", f"{R}&tr=x", name="فلم۔ حصہ ۲", trackers=("x",)),
    S("raw Armenian, asking within its word", f"{M}&dn=Ի՞նչ", R, name="Ի՞նչ"),
    S("raw Tibetan", f"{M}&dn=བོད་སྐད", R, name="བོད་སྐད"),
    S("raw Tibetan, shad and spaces", f"{M}&dn=བོད། སྐད&tr=x", f"{R}&tr=x", name="བོད། སྐད", trackers=("x",)),
    S("raw Amharic", f"{M}&dn=ሰላም፡ዓለም", R, name="ሰላም፡ዓለም"),
    S("raw Amharic and stops", f"{M}&dn=ሰላም። ዓለም፣አዲስ&tr=x", f"{R}&tr=x", name="ሰላም። ዓለም፣አዲስ", trackers=("x",)),
    S("an apostrophe", f"{M}&dn=Ocean's&xl=1", f"{R}&xl=1", name="Ocean's"),
    S("letters after escapes", f"{M}&dn=San%20Ti快下载", f"{R}快下载", name="San Ti"),
    S("balanced brackets", f"({M}&dn=Film(2020))", f"({R})", name="Film(2020)"),
    # glued
    S("CJK on both sides", f"看{M}快", f"看{R}快"),
    S("CJK after a tracker", f"{M}&tr=udp://a.example:80快", f"{R}&tr=udp://a.example:80快", trackers=("udp://a.example:80",)),
    S("a bracket that comes after", f"{M}（1.4 GB）", f"{R}（1.4 GB）"),
    S("a fragment", f"{M}#top", f"{R}&#top"),
    S("a path", f"{M}/x", f"{R}&/x"),
    S("prose with a parameter", f"{M} and a&tr=x", f"{R}& and a&tr=x"),
    # broken into lines
    S("a line for the name", f"{M}\n&dn=Old", f"{M}\n{D}", name=OLD),
    S("a line for each", f"{M}\n&dn=Old\n&tr=b\n&tr=a", f"{M}\n{D}\n&tr=b\n&tr=a", name=OLD, trackers=("b", "a")),
    S("Windows lines", f"{M}\r\n&dn=Old\r\n&tr=a", f"{M}\r\n{D}\r\n&tr=a", name=OLD, trackers=("a",)),
    S("a line without a name", f"{M}\n&tr=a", f"{R}\n&tr=a", trackers=("a",)),
    S("a line with a key of nobody's", f"{M}\n&foo=bar&dn=Old", f"{M}\n&foo=bar{D}", name=OLD),
    S("lines in HTML", f"{M}&amp;xl=1\n&amp;dn=Old", f"{M}&amp;xl=1\n&amp;dn={N}", name=OLD),
    S("a line for an escaped key", f"{M}\n&%64n=Old", f"{M}\n&%64n={N}", name=OLD),
    S("a line for a peer", f"{L}\n&x.pe=[::1]:5 x", f"{R}\n&x.pe=[::1]:5 x", name=OLD, peers=(("::1", 5),)),
    S("a raw name before a line", f"{M}&dn=三体：全集\n&tr=a", f"{R}：全集\n&tr=a", name="三体"),
    S("a line after a second name", f"{L}\n&dn=Two\n&tr=a", f"{R}\n&tr=a", name=OLD, trackers=("a",)),
    S("a line and brackets", f"({L}\n&tr=a)", f"({R}\n&tr=a)", name=OLD, trackers=("a",)),
    S("a line for a second hash", f"{M}\n&xt=urn:btih:{OTHER}", f"{M}\n&xt=urn:btih:{OTHER}{D}", ((A, B),)),
    S("a line that is no parameter", f"{L}\n& so on", f"{R}\n& so on", name=OLD),
    S("a line of a key without =", f"{L}\n&tr", f"{R}\n&tr", name=OLD),
    S("a line that begins with a space", f"{L}\n &tr=a", f"{R}\n &tr=a", name=OLD),
    S("an empty line between", f"{L}\n\n&tr=a", f"{R}\n\n&tr=a", name=OLD),
    S("a line after prose", f"{L} x\n&tr=a", f"{R} x\n&tr=a", name=OLD),
    S("a line that is a reference", f"{L}\n&lt;b&gt;", f"{R}\n&lt;b&gt;", name=OLD),
    S("a carriage return alone", f"{L}\r&tr=a", f"{R}\r&tr=a", name=OLD),
    S("an old line separator", f"{L}\u2028&tr=a", f"{R}\u2028&tr=a", name=OLD),
    none("a line after half a hash", f"magnet:?xt=urn:btih:{V1[:20]}\n&dn=Old"),
    # several
    many("several on a line", f"{L} {O}&dn=B", f"{R} {O}&dn=B", (A,), (B,), name=OLD),
    many("several with commas", f"{L},{O},{L}", f"{R},{O},{R}", (A,), (B,), (A,), name=OLD),
    many("several without a gap", f"{M}{O}", f"{R}{O}", (A,), (B,)),
    many("several with CJK between", f"{M}和{O}", f"{R}和{O}", (A,), (B,)),
    many("several lines", f"{L}\n{O}\r\n{L}", f"{R}\n{O}\r\n{R}", (A,), (B,), (A,), name=OLD),
    many("several in lines of parts", f"{M}\n&dn=Old\n{O}\n&dn=B", f"{M}\n{D}\n{O}\n&dn=B", (A,), (B,), name=OLD),
    many("JSON", f'["{L}", "{O}"]', f'["{R}", "{O}"]', (A,), (B,), name=OLD),
    many("CSV", f'1,"{L}",x\n2,"{O}",y', f'1,"{R}",x\n2,"{O}",y', (A,), (B,), name=OLD),
    many("a table", f"| 1 | {L} |\n| 2 | {O} |", f"| 1 | {R} |\n| 2 | {O} |", (A,), (B,), name=OLD),
    many("tabs", f"{L}\t{O}\tx", f"{R}\t{O}\tx", (A,), (B,), name=OLD),
    many("Markdown links", f"[a]({L}), [b]({O})", f"[a]({R}), [b]({O})", (A,), (B,), name=OLD),
    many("a raw name before the next", f"{M}&dn=Some Name {O}&tr=x", f"{R} Name {O}&tr=x", (A,), (B,), name="Some"),
    S("its own name at the end", f"magnet:?{X}&tr=x&dn={NAME.replace(' ', '%20')}", f"magnet:?{X}&tr=x{D}", name=NAME,
      trackers=("x",)),
)
# fmt: on
