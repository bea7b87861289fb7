"""`jiesu healthy`: whether the installation is well, by its own word; for people, containers and timers (XR8)."""

import json
import urllib.error
import urllib.request
from typing import Any

import click

from backend.app.runfile import read_run_file
from backend.cli import get_texts, print_text
from backend.cli.connect import load_config, print_json
from backend.domain.texts import Texts
from backend.operations.health import RED_PREFIX

ANSWER_SECONDS = 10.0
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@click.command(help=get_texts().render("cli.help.healthy"))
@click.option("--door", is_flag=True, help=get_texts().render("cli.help.door"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def healthy(door: bool, as_json: bool) -> int:
    """Ask the server on this machine; exit status 1 if anything is red or it does not answer."""
    config = load_config()
    running = read_run_file(config.data)
    url = (running.url if running is not None else config.local_url) + "/readyz" + ("?scope=door" if door else "")
    report = ask_health(url)
    if as_json:
        print_json(report)
    for code in (*report["red"], *report["degraded"]):
        click.echo(describe_red(get_texts(), code), err=True)
    if not report["red"]:
        print_text("healthy")
    return 1 if report["red"] else 0


def ask_health(url: str) -> dict[str, Any]:
    """Return what `/readyz` at this URL answers; `red` is `["silent"]` if nothing readable does.

    `degraded` is what some do without while the installation is alive.
    """
    try:
        with _OPEN(url, timeout=ANSWER_SECONDS) as answer:
            report = json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            report = json.load(error)
        except ValueError:
            report = None
    except (OSError, ValueError):
        report = None
    red = report.get("red") if isinstance(report, dict) else None
    if not isinstance(red, list):
        return {"ok": False, "red": ["silent"], "degraded": []}
    degraded = report.get("degraded")
    lists = {"red": red, "degraded": degraded if isinstance(degraded, list) else []}
    return {**report, **{name: [str(code) for code in codes] for name, codes in lists.items()}}


def describe_red(texts: Texts, code: str) -> str:
    """Return the sentence of a code of `red` or `degraded`: what is the matter and what to do."""
    kind, _, subject = code.partition(":")
    if kind == "role_missing":
        subject = texts.get_word_or_value("process_role", subject)
    if kind.startswith(RED_PREFIX):
        kind = "chain"
    key = f"cli.red.{kind if texts.has(f'cli.red.{kind}') else 'other'}"
    return texts.render(key, code=code, subject=subject)
