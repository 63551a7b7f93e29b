"""Pages that quote files of the repository: each block below `<!-- quote: PATH -->` is the file's text."""

from __future__ import annotations

import re
from pathlib import Path

LANGUAGES = {".py": "python", ".toml": "toml"}
QUOTE = re.compile(r"<!-- quote: (\S+) -->\n```\w*\n.*?^```$", re.DOTALL | re.MULTILINE)


def with_quotes(page: str, root: Path) -> str:
    """The page with every quotation as the file is now."""

    def quotation(found: re.Match[str]) -> str:
        path = root / found[1]
        return f"<!-- quote: {found[1]} -->\n```{LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8')}```"

    return QUOTE.sub(quotation, page)
