# What every environment asks of a release. Penstock hands in verified statements only (`input.evidence`) and takes
# nothing but `allow == true` without a single `deny` for a yes. A deny names the rule, where it is and what to do:
# `penstock explain` prints it.
package penstock.gate

# --- what is asked for: change it here ------------------------------------------------------------------------------

# Checks of the source that Penstock itself has to have run.
source_checks := {
	"bandit", "black", "gitleaks", "hadolint", "isort",
	"pylint", "trivy-config", "trivy-secret", "yamllint",
}

# Those of them that have to have seen the whole tree, not a corner of it.
whole_tree := {"gitleaks", "trivy-config", "trivy-secret"}

# Coverage of the source's tests, in percent: from `coverage_passes` on it passes, under `coverage_fails` it is refused,
# between the two there is a warning.
coverage_passes := 80

coverage_fails := 70

# Findings that are accepted for a while, each with a reason and the last day on which it counts, for example
#   {"tool": "advisories", "rule": "RUSTSEC-2026-0001", "in": "some-crate", "reason": "not reachable: …", "until": "2026-12-31"}
#   {"tool": "bandit", "rule": "B602:subprocess_popen_with_shell_equals_true", "in": "client/src/x.py", "reason": "…", "until": "…"}
# `in` is the file, or the package of an advisory. Secrets are never accepted.
exceptions := []

# --- evidence -------------------------------------------------------------------------------------------------------

provenance := "https://slsa.dev/provenance/v1"

spdx := "https://spdx.dev/Document"

test_result := "https://in-toto.io/attestation/test-result/v0.1"

findings := "https://penstock.dev/attestation/findings/v1"

coverage := "https://penstock.dev/attestation/coverage/v1"

environment_check := "https://penstock.dev/attestation/environment-check/v1"

import_statement := "https://penstock.dev/attestation/import/v1"

source := {"kind": "commit", "id": input.release.commit}

images contains {"kind": "image", "id": sprintf("%s@%s", [name, digest])} if {
	some name, digest in input.release.images
}

release := {"kind": "release", "id": input.release.id}

# What was said of this type about this subject, by whomever.
said(subject, type) := [e |
	some e in input.evidence
	e.subject == subject
	e.predicate_type == type
]

# The same, but only what Penstock saw itself. Everything that keeps somebody out asks for this.
observed(subject, type) := [e | some e in said(subject, type); e.witness == "observed"]

named(statements, name) := [e | some e in statements; e.name == name]

# The newest of some statements.
newest(statements) := e if {
	some e in statements
	every other in statements {
		[other.at, other.envelope] <= [e.at, e.envelope]
	}
}

show(subject) := sprintf("%s %s", [subject.kind, subject.id])

# --- checks of the source -------------------------------------------------------------------------------------------

deny contains {
	"rule": "evidence",
	"subject": show(source),
	"message": sprintf("`%s` has not looked at this commit", [tool]),
	"fix": sprintf("let a job call `penstock check %s`; a report from elsewhere does not count", [tool]),
} if {
	some tool in source_checks
	count(named(observed(source, findings), tool)) == 0
}

deny contains {
	"rule": "evidence",
	"subject": show(source),
	"message": sprintf("`%s` has only looked at a part of this commit", [tool]),
	"fix": sprintf("call `penstock check %s` without paths", [tool]),
} if {
	some tool in whole_tree
	statements := named(observed(source, findings), tool)
	count(statements) > 0
	count([e | some e in statements; e.predicate.paths == []]) == 0
}

# Every look at the source counts, so that a later look at a clean corner hides nothing.
looks := [{"subject": source, "tool": e.name, "predicate": e.predicate} |
	some e in observed(source, findings)
]

# --- images ---------------------------------------------------------------------------------------------------------

# Built by us from the release's commit.
built(image) if {
	some e in observed(image, provenance)
	commits := [commit |
		some dependency in e.predicate.buildDefinition.resolvedDependencies
		commit := dependency.digest.gitCommit
	]
	commits == [input.release.commit]
}

# Not built by us, and let in by a person.
imported(image) if {
	some e in observed(image, import_statement)
	holds(e.predicate)
}

holds(predicate) if predicate.expires == null

holds(predicate) if {
	is_number(predicate.expires)
	predicate.expires > input.now
}

deny contains {
	"rule": "provenance",
	"subject": show(image),
	"message": "there is no proof that this image was built here from the release's commit",
	"fix": "let a job of this commit build it by `penstock build`, or let a person import it",
} if {
	some image in images
	not built(image)
	not imported(image)
}

deny contains {
	"rule": "sbom",
	"subject": show(image),
	"message": "nobody has listed what this image contains",
	"fix": "build it by `penstock build`, which lists it",
} if {
	some image in images
	count(observed(image, spdx)) == 0
}

deny contains {
	"rule": "self-test",
	"subject": show(image),
	"message": "the image itself has not been tested",
	"fix": "let a job call `penstock test-image`",
} if {
	some image in images
	not imported(image)
	count(observed(image, test_result)) == 0
}

deny contains {
	"rule": "self-test",
	"subject": show(image),
	"message": sprintf("the image's test `%s` did not pass", [name]),
	"fix": "look at the log of the job that tested it",
} if {
	some image in images
	tests := observed(image, test_result)
	some name in {e.name | some e in tests}
	not newest(named(tests, name)).predicate.result == "PASSED"
}

deny contains {
	"rule": "evidence",
	"subject": show(image),
	"message": "the image has not been compared with the advisories",
	"fix": "let a job call `penstock check advisories --image NAME`",
} if {
	some image in images
	count(named(observed(image, findings), "advisories")) == 0
}

# Of an image the newest look counts: advisories come and are taken back.
image_looks := [{"subject": image, "tool": name, "predicate": newest(named(all, name)).predicate} |
	some image in images
	all := observed(image, findings)
	some name in {e.name | some e in all}
]

# --- findings -------------------------------------------------------------------------------------------------------

# What may stay. Everything else is refused, so that a finding of a new kind does not slip through.
harmless("pylint", finding) if finding.level in {"warning", "note", "none"}

harmless("hadolint", finding) if finding.level in {"warning", "note", "none"}

harmless("yamllint", finding) if finding.level in {"warning", "note", "none"}

harmless("bandit", finding) if {
	finding.level != "error"
	finding.severity in {"LOW", "MEDIUM"}
}

harmless("trivy-config", finding) if {
	finding.level != "error"
	finding.severity in {"LOW", "MEDIUM"}
}

harmless("advisories", finding) if {
	finding.level != "error"
	finding.severity in {"LOW", "MEDIUM"}
}

# Not a vulnerability: nobody looks after the package any more, and the like.
harmless("advisories", finding) if {
	finding.level == "note"
	not finding.severity
}

rule_of := {
	"advisories": "advisories",
	"black": "format",
	"gitleaks": "secrets",
	"isort": "format",
	"trivy-secret": "secrets",
}

rule(tool) := object.get(rule_of, tool, tool)

excepted(tool, finding) if {
	rule(tool) != "secrets"
	some exception in exceptions
	exception.tool == tool
	exception.rule in names(finding)
	exception["in"] == place(finding)
	exception.until >= input.today
}

names(finding) := {finding.rule} | {alias | some alias in object.get(finding, "aliases", [])}

place(finding) := finding["package"].name if finding["package"]

place(finding) := finding.location.path if not finding["package"]

where(finding) := sprintf("%s:%d", [finding.location.path, finding.location.line])

where(finding) := finding.location.path if not finding.location.line

all_looks := array.concat(looks, image_looks)

# what a finding says, whatever a tool took for a finding
of_finding(finding, name, otherwise) := object.get(finding, name, otherwise) if is_object(finding)

of_finding(finding, _, otherwise) := otherwise if not is_object(finding)

problem(look, finding) := object.union(
	{
		"rule": rule(look.tool),
		"subject": show(look.subject),
		"message": sprintf("%s: %s (%s)", [look.tool, of_finding(finding, "message", "no message"), of_finding(finding, "rule", "no rule")]),
		"fix": of_finding(finding, "fix", "repair it"),
	},
	place_of(finding),
)

place_of(finding) := {"where": where(finding)}

place_of(finding) := {} if not where(finding)

deny contains problem(look, finding) if {
	some look in all_looks
	some finding in look.predicate.findings
	not harmless(look.tool, finding)
	not excepted(look.tool, finding)
}

warn contains problem(look, finding) if {
	some look in all_looks
	some finding in look.predicate.findings
	harmless(look.tool, finding)
	finding.level == "warning"
}

warn contains problem(look, finding) if {
	some look in all_looks
	some finding in look.predicate.findings
	not harmless(look.tool, finding)
	excepted(look.tool, finding)
}

# A list that is not whole proves nothing.
deny contains {
	"rule": rule(look.tool),
	"subject": show(look.subject),
	"message": sprintf("`%s` found more than a statement can list, so that the list proves nothing", [look.tool]),
	"fix": "repair the findings that are listed and run it again",
} if {
	some look in all_looks
	not whole(look)
}

whole(look) if {
	look.predicate.summary.leftOut == 0
	is_array(look.predicate.findings)
}

warn contains {
	"rule": "exceptions",
	"subject": "policy",
	"message": sprintf("the exception for %s (%s) in %s ended on %s", [exception.rule, exception.tool, exception["in"], exception.until]),
	"fix": "take it out of policies/common.rego",
} if {
	some exception in exceptions
	exception.until < input.today
}

# --- tests of the source: reported by a job, which is enough for what is no question of security --------------------

deny contains {
	"rule": "tests",
	"subject": show(source),
	"message": "no test of the source has been reported",
	"fix": "let a job leave a JUnit report (`artifacts: reports: junit`)",
} if {
	count(said(source, test_result)) == 0
}

deny contains {
	"rule": "tests",
	"subject": show(source),
	"message": sprintf("tests of `%s` failed: %s", [name, failed(test)]),
	"fix": "look at the log of the job",
} if {
	tests := said(source, test_result)
	some name in {e.name | some e in tests}
	test := newest(named(tests, name)).predicate
	not test.result in {"PASSED", "WARNED"}
}

failed(test) := concat(", ", array.slice(object.get(test, "failedTests", []), 0, 5))

percent := newest(said(source, coverage)).predicate.percent

deny contains {
	"rule": "coverage",
	"subject": show(source),
	"message": "no coverage of the source's tests has been reported",
	"fix": "let a job leave a Cobertura report (`artifacts: reports: coverage_report`)",
} if {
	not is_number(percent)
}

deny contains {
	"rule": "coverage",
	"subject": show(source),
	"message": sprintf("tests reach %v %% of the lines, and at least %d %% are asked for", [percent, coverage_fails]),
	"fix": "test what is not reached; the report of the job says where",
} if {
	percent < coverage_fails
}

warn contains {
	"rule": "coverage",
	"subject": show(source),
	"message": sprintf("tests reach %v %% of the lines; %d %% are wanted", [percent, coverage_passes]),
	"fix": "test what is not reached; the report of the job says where",
} if {
	percent >= coverage_fails
	percent < coverage_passes
}

# --- the release ----------------------------------------------------------------------------------------------------

deny contains {
	"rule": "release",
	"subject": show(release),
	"message": "the release has no image",
	"fix": "let a job call `penstock build`",
} if {
	count(images) == 0
}
