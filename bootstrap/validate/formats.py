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
    failed = any(finding.rule.severity is Severity.ERROR for finding in findings)
    status = "failed" if failed else "warned" if findings else "passed"
    told = tuple(lines(findings, environments, off, form))
    return Result(status=status, data=data(findings, environments, off), lines=told, document=form in _DOCUMENTS)


def lines(findings: Sequence[Finding], environments: Sequence[str], off: Sequence[Exemption], form: str) -> list[str]:
    """The findings in a form: `text`, `github`, `gitlab` or `sarif`."""
    told = [
        (
            exemption.rule,
            f"the rule {exemption.rule} is switched off{exemption.where}: {' '.join(exemption.reason.split())}",
        )
        for exemption in off
    ]
    match form:
        case "github":
            notices = [f"::notice title={_escaped(rule, properties=True)}::{_escaped(said)}" for rule, said in told]
            return [_github(finding) for finding in findings] + notices + _summary(findings, environments)
        case "gitlab":
            return [as_json([_gitlab(finding) for finding in findings])]
        case "sarif":
            return [as_json(_sarif(findings, told))]
    closing = [said for _, said in told]
    return [line for finding in findings for line in _text(finding)] + closing + _summary(findings, environments)


def data(findings: Sequence[Finding], environments: Sequence[str], off: Sequence[Exemption]) -> dict[str, Any]:
    """The findings for programs."""
    return {
        "environments": [*environments],
        "findings": [_finding(finding) for finding in findings],
        "switchedOff": [exemption.fields for exemption in off],
    }


def rule(rule: Rule) -> dict[str, str]:
    """A rule for programs."""
    return {"name": rule.name, "severity": rule.severity, "title": rule.title, "why": rule.why, "fix": rule.fix}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.name,
        "severity": finding.rule.severity,
        "path": finding.place.path,
        "line": finding.place.line,
        "environments": [*finding.environments],
        "message": finding.message,
        "hint": finding.hint or finding.rule.fix,
    }


def _text(finding: Finding) -> list[str]:
    where = f" [{', '.join(finding.environments)}]" if finding.environments else ""
    return [
        f"{finding.place}: {finding.rule.severity}: {finding.message} ({finding.rule.name}){where}",
        f"    {finding.hint or finding.rule.fix}",
    ]


def _sentence(finding: Finding) -> str:
    return visible(f"{finding.message}. {finding.hint or finding.rule.fix}")


def _summary(findings: Sequence[Finding], environments: Sequence[str]) -> list[str]:
    checked = f"{len(environments)} environment{'s' * (len(environments) != 1)} checked"
    counts = {severity: sum(finding.rule.severity is severity for finding in findings) for severity in Severity}
    told = [f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count]
    return [f"{checked}: {', '.join(told) or 'no finding'}"]


def _github(finding: Finding) -> str:
    """A workflow command, which GitHub, Gitea and Forgejo show at the line (docs: workflow commands, error message)."""
    properties = {"file": finding.place.path, "line": str(finding.place.line), "title": finding.rule.name}
    told = ",".join(f"{key}={_escaped(value, properties=True)}" for key, value in properties.items())
    return f"::{finding.rule.severity} {told}::{_escaped(_sentence(finding))}"


def _escaped(text: str, *, properties: bool = False) -> str:
    """A value in a workflow command, as actions/toolkit escapes it; control characters are shown before."""
    text = log_line(text).replace("%", "%25")
    return text.replace(":", "%3A").replace(",", "%2C") if properties else text


def _gitlab(finding: Finding) -> dict[str, Any]:
    """An issue of GitLab's code quality report (docs: CI, testing, code quality, report format)."""
    identity = visible(f"{finding.rule.name} {finding.place.path} {finding.message}")
    return {
        "description": _sentence(finding),
        "check_name": finding.rule.name,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "severity": "major" if finding.rule.severity is Severity.ERROR else "minor",
        "location": {"path": visible(finding.place.path), "lines": {"begin": finding.place.line}},
    }


def _message(text: str) -> dict[str, str]:
    """A message of SARIF without links (specification, 3.11.6: a backslash keeps `](` from being one)."""
    return {"text": re.sub(r"\]\(", r"\\](", text)}


def _sarif(findings: Sequence[Finding], off: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A SARIF 2.1.0 log (OASIS)."""
    rules = {finding.rule.name: finding.rule for finding in findings}
    order = {name: number for number, name in enumerate(rules)}
    driver = {
        "name": "taxiway",
        "version": __version__,
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.why},
                "help": {"text": rule.fix},
                "helpUri": rule.page,
                "defaultConfiguration": {"level": rule.severity},
            }
            for name, rule in rules.items()
        ],
    }
    results = [
        {
            "ruleId": finding.rule.name,
            "ruleIndex": order[finding.rule.name],
            "level": finding.rule.severity,
            "message": _message(_sentence(finding)),
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(finding.place.path, errors="surrogateescape")},
                        "region": {"startLine": finding.place.line},
                    }
                }
            ],
        }
        for finding in findings
    ]
    run: dict[str, Any] = {"tool": {"driver": driver}, "results": results}
    if off:
        notes = [
            {"level": "note", "descriptor": {"id": rule}, "message": _message(visible(said))} for rule, said in off
        ]
        run["invocations"] = [{"executionSuccessful": True, "toolConfigurationNotifications": notes}]
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
