"""Findings as text: for a terminal, for programs, and in the forms that forges show beside the lines."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from bootstrap import __version__
from bootstrap.config.exemptions import Exemption
from bootstrap.core.escaping import as_json, log_line, visible
from bootstrap.core.result import Result
from bootstrap.validate.violation import Finding, Rule, Severity

_DOCUMENTS = ("github", "gitlab", "sarif")
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def result(findings: Sequence[Finding], environments: Sequence[str], off: Sequence[Exemption], form: str) -> Result:
    """The findings as the answer, in the form of `lines`; `failed` where one is an error.

    `off` are the rules that were switched off: every form but GitLab's has room to say so.
    """
    failed = any(each.rule.severity is Severity.ERROR for each in findings)
    status = "failed" if failed else "warned" if findings else "passed"
    told = tuple(lines(findings, environments, off, form))
    return Result(status=status, data=data(findings, environments, off), lines=told, document=form in _DOCUMENTS)


def lines(findings: Sequence[Finding], environments: Sequence[str], off: Sequence[Exemption], form: str) -> list[str]:
    """The findings in a form: `text`, `github`, `gitlab` or `sarif`."""
    told = [
        (each.rule, f"the rule {each.rule} is switched off{each.where}: {' '.join(each.reason.split())}")
        for each in off
    ]
    match form:
        case "github":
            notices = [f"::notice title={_escaped(rule, properties=True)}::{_escaped(said)}" for rule, said in told]
            return [_github(each) for each in findings] + notices + _summary(findings, environments)
        case "gitlab":
            return [as_json([_gitlab(each) for each in findings])]
        case "sarif":
            return [as_json(_sarif(findings, told))]
    closing = [said for _, said in told]
    return [line for each in findings for line in _text(each)] + closing + _summary(findings, environments)


def data(findings: Sequence[Finding], environments: Sequence[str], off: Sequence[Exemption]) -> dict[str, Any]:
    """The findings for programs."""
    return {
        "environments": [*environments],
        "findings": [_finding(each) for each in findings],
        "switchedOff": [each.fields for each in off],
    }


def rule(each: Rule) -> dict[str, str]:
    """A rule for programs."""
    return {"name": each.name, "severity": each.severity, "title": each.title, "why": each.why, "fix": each.fix}


def _finding(each: Finding) -> dict[str, Any]:
    return {
        "rule": each.rule.name,
        "severity": each.rule.severity,
        "path": each.place.path,
        "line": each.place.line,
        "environments": [*each.environments],
        "message": each.message,
        "hint": each.hint or each.rule.fix,
    }


def _text(each: Finding) -> list[str]:
    where = f" [{', '.join(each.environments)}]" if each.environments else ""
    return [
        f"{each.place}: {each.rule.severity}: {each.message} ({each.rule.name}){where}",
        f"    {each.hint or each.rule.fix}",
    ]


def _sentence(each: Finding) -> str:
    return visible(f"{each.message}. {each.hint or each.rule.fix}")


def _summary(findings: Sequence[Finding], environments: Sequence[str]) -> list[str]:
    checked = f"{len(environments)} environment{'s' * (len(environments) != 1)} checked"
    counts = {severity: sum(each.rule.severity is severity for each in findings) for severity in Severity}
    told = [f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count]
    return [f"{checked}: {', '.join(told) or 'no finding'}"]


def _github(each: Finding) -> str:
    """A workflow command, which GitHub, Gitea and Forgejo show at the line (docs: workflow commands, error message)."""
    properties = {"file": each.place.path, "line": str(each.place.line), "title": each.rule.name}
    told = ",".join(f"{key}={_escaped(value, properties=True)}" for key, value in properties.items())
    return f"::{each.rule.severity} {told}::{_escaped(_sentence(each))}"


def _escaped(text: str, *, properties: bool = False) -> str:
    """A value in a workflow command, as actions/toolkit escapes it; control characters are shown before."""
    text = log_line(text).replace("%", "%25")
    return text.replace(":", "%3A").replace(",", "%2C") if properties else text


def _gitlab(each: Finding) -> dict[str, Any]:
    """An issue of GitLab's code quality report (docs: CI, testing, code quality, report format)."""
    identity = visible(f"{each.rule.name} {each.place.path} {each.message}")
    return {
        "description": _sentence(each),
        "check_name": each.rule.name,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "severity": "major" if each.rule.severity is Severity.ERROR else "minor",
        "location": {"path": visible(each.place.path), "lines": {"begin": each.place.line}},
    }


def _message(text: str) -> dict[str, str]:
    """A message of SARIF without links (specification, 3.11.6: a backslash keeps `](` from being one)."""
    return {"text": re.sub(r"\]\(", r"\\](", text)}


def _sarif(findings: Sequence[Finding], off: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A SARIF 2.1.0 log (OASIS)."""
    rules = {each.rule.name: each.rule for each in findings}
    order = {name: number for number, name in enumerate(rules)}
    driver = {
        "name": "taxiway",
        "version": __version__,
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": each.title},
                "fullDescription": {"text": each.why},
                "help": {"text": each.fix},
                "helpUri": each.page,
                "defaultConfiguration": {"level": each.severity},
            }
            for name, each in rules.items()
        ],
    }
    results = [
        {
            "ruleId": each.rule.name,
            "ruleIndex": order[each.rule.name],
            "level": each.rule.severity,
            "message": _message(_sentence(each)),
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(each.place.path, errors="surrogateescape")},
                        "region": {"startLine": each.place.line},
                    }
                }
            ],
        }
        for each in findings
    ]
    run: dict[str, Any] = {"tool": {"driver": driver}, "results": results}
    if off:
        notes = [
            {"level": "note", "descriptor": {"id": rule}, "message": _message(visible(said))} for rule, said in off
        ]
        run["invocations"] = [{"executionSuccessful": True, "toolConfigurationNotifications": notes}]
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
