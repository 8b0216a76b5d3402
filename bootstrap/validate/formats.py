"""Output formats of `taxiway validate`: text, JSON, GitHub workflow commands, GitLab code quality and SARIF."""

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


def result(
    findings: Sequence[Finding], environments: Sequence[str], exemptions: Sequence[Exemption], form: str
) -> Result:
    """Result of `taxiway validate`, in a format of `lines`; its status is `failed` if a finding is an error.

    `exemptions` are the rules that were switched off; every format but GitLab's can report them.
    """
    failed = any(finding.rule.severity is Severity.ERROR for finding in findings)
    status = "failed" if failed else "warned" if findings else "passed"
    shown = tuple(lines(findings, environments, exemptions, form))
    return Result(
        status=status, data=data(findings, environments, exemptions), lines=shown, document=form in _DOCUMENTS
    )


def lines(
    findings: Sequence[Finding], environments: Sequence[str], exemptions: Sequence[Exemption], form: str
) -> list[str]:
    """Findings in one of the formats `text`, `github`, `gitlab` or `sarif`."""
    notes = [
        (
            exemption.rule,
            f"the rule {exemption.rule} is switched off{exemption.where}: {' '.join(exemption.reason.split())}",
        )
        for exemption in exemptions
    ]
    match form:
        case "github":
            notices = [f"::notice title={_escaped(rule, properties=True)}::{_escaped(note)}" for rule, note in notes]
            return [_github(finding) for finding in findings] + notices + _summary(findings, environments)
        case "gitlab":
            return [as_json([_gitlab(finding) for finding in findings])]
        case "sarif":
            return [as_json(_sarif(findings, notes))]
    closing = [note for _, note in notes]
    return [line for finding in findings for line in _text(finding)] + closing + _summary(findings, environments)


def data(findings: Sequence[Finding], environments: Sequence[str], exemptions: Sequence[Exemption]) -> dict[str, Any]:
    """Findings as JSON data (`-o json`)."""
    return {
        "environments": [*environments],
        "findings": [_finding(finding) for finding in findings],
        "switchedOff": [exemption.fields for exemption in exemptions],
    }


def rule(rule: Rule) -> dict[str, str]:
    """A rule as JSON data (`--list-rules -o json`)."""
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
    totals = [f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count]
    return [f"{checked}: {', '.join(totals) or 'no finding'}"]


def _github(finding: Finding) -> str:
    """Workflow command, which GitHub, Gitea and Forgejo show at the line (GitHub docs, "Workflow commands")."""
    properties = {"file": finding.place.path, "line": str(finding.place.line), "title": finding.rule.name}
    fields = ",".join(f"{key}={_escaped(value, properties=True)}" for key, value in properties.items())
    return f"::{finding.rule.severity} {fields}::{_escaped(_sentence(finding))}"


def _escaped(text: str, *, properties: bool = False) -> str:
    """Escape a value of a workflow command as actions/toolkit does, after making control characters visible."""
    text = log_line(text).replace("%", "%25")
    return text.replace(":", "%3A").replace(",", "%2C") if properties else text


def _gitlab(finding: Finding) -> dict[str, Any]:
    """Issue of a GitLab code quality report (GitLab docs, "Code Quality report format")."""
    identity = visible(f"{finding.rule.name} {finding.place.path} {finding.message}")
    return {
        "description": _sentence(finding),
        "check_name": finding.rule.name,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "severity": "major" if finding.rule.severity is Severity.ERROR else "minor",
        "location": {"path": visible(finding.place.path), "lines": {"begin": finding.place.line}},
    }


def _message(text: str) -> dict[str, str]:
    """SARIF message without embedded links (SARIF 2.1.0, 3.11.6: `](` is escaped by a backslash)."""
    return {"text": re.sub(r"\]\(", r"\\](", text)}


def _sarif(findings: Sequence[Finding], exemptions: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """SARIF 2.1.0 log (OASIS); exemptions become tool configuration notifications."""
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
    if exemptions:
        notifications = [
            {"level": "note", "descriptor": {"id": rule}, "message": _message(visible(note))}
            for rule, note in exemptions
        ]
        run["invocations"] = [{"executionSuccessful": True, "toolConfigurationNotifications": notifications}]
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
