"""Split text of a shell into logical lines, and those into simple commands: enough to see what runs and whether it may fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from assessor.analysis.facts.configuration_model import Lines, RecipeFacts, Task

__all__ = ["Simple", "logical_lines", "read_shell", "simple_commands", "words_of"]

HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
"""A here-document: what follows up to its word is data."""

TOKEN = re.compile(
    r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|\$\([^()]*\)|\$\{[^}${]*\}|&&|\|\||;;|[;|&\n()]|[^\s;|&()'\"\\$]+|[\s]+|.",
    re.DOTALL,
)
"""A quoted text, a separator, blanks, or a piece of a word."""

LONGEST = 10_000
HEADS = frozenset(
    {"then", "do", "else", "time", "!", "{", "}", "exec", "eval", "command", "sudo", "nohup", "fi", "done"}
)
WORKER = frozenset({"if", "elif", "while", "until"})


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text: a long table of names reads better so than as a list."""
    return tuple(text.split())


class Simple(NamedTuple):
    """Hold one simple command: its words, what joins it to the next ("&&", "||", "|", ";", "&", ""), and what stands before it."""

    words: tuple[str, ...]
    joint: str
    asked: bool  # the condition of if, while or until: its failure is an answer
    after: str  # the rest of the line that follows the joint


def logical_lines(source: str, first: int = 1) -> Lines:
    """Return the lines that run, continuation lines joined, comments and here-documents left out."""
    found: list[tuple[str, int]] = []
    waiting, start, until = "", 0, ""
    for offset, raw in enumerate(source.splitlines()):
        line = raw.strip()
        if until:
            until = "" if line == until else until
            continue
        if not waiting:
            if not line or line[0] == "#":
                continue
            start = first + offset
        if line.endswith("\\") and len(waiting) < LONGEST:
            waiting += line[:-1].rstrip() + " "
            continue
        line = _uncommented(waiting + line)
        waiting = ""
        here = HEREDOC.search(line) if "<<" in line else None
        until = here[2] if here else ""
        if line:
            found.append((line[:LONGEST], start))
    if waiting.strip():
        found.append((waiting.strip(), start))
    return tuple(found)


def _uncommented(line: str) -> str:
    if " #" not in line:
        return line
    quote = ""
    for place, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and line[place - 1] in " \t":
            return line[:place].rstrip()
    return line


def simple_commands(line: str) -> Iterator[Simple]:
    """Yield the simple commands of one logical line from left to right."""
    words: list[str] = []
    word, asked, place = "", False, 0
    while place < len(line):
        token = TOKEN.match(line, place)
        assert token is not None
        piece, place = token[0], token.end()
        if piece in ("&&", "||", ";", ";;", "|", "&", "\n", "(", ")"):
            if (piece == "&" and word.endswith((">", "<"))) or (piece == "&" and line[place : place + 1] == ">"):
                word += piece
                continue
            if word:
                words.append(word)
                word = ""
            if words:
                joint, rest = _joint(piece, line[place:])
                made = _simple(words, joint, asked, rest)
                asked = made.asked and piece in ("&&", "||", "|")
                if made.words:
                    yield made
            words = []
        elif piece.isspace():
            if word:
                words.append(word)
                word = ""
        else:
            word += piece[1:-1] if piece[0] in "'\"" and len(piece) > 1 else piece
    if word:
        words.append(word)
    if words and (made := _simple(words, "", asked, "")).words:
        yield made


def _joint(piece: str, rest: str) -> tuple[str, str]:
    """Return what joins a command to what follows; after a closing bracket it is what stands behind the bracket."""
    if piece in ("(", ")"):
        rest = rest.lstrip(" );")
        piece = next((one for one in ("&&", "||", "|", ";", "&") if rest.startswith(one)), "")
        rest = rest[len(piece) :]
    return (";" if piece in (";;", "\n") else piece), rest


def _simple(words: list[str], joint: str, asked: bool, after: str) -> Simple:
    start = 0
    while start < len(words):
        word = words[start]
        if word in WORKER:
            asked = True
        elif word not in HEADS and not re.fullmatch(r"[A-Za-z_]\w*\+?=.*", word, re.DOTALL):
            break
        start += 1
    return Simple(tuple(words[start:]), joint, asked, after)


def read_shell(_path: str, data: bytes) -> RecipeFacts:
    """Return the commands of a shell script."""
    lines = logical_lines(data.decode("utf-8", "replace"))
    return RecipeFacts((Task("", 1, (), lines),) if lines else ())
