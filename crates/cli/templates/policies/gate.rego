# What a release must prove before it runs. Only `allow == true` without a single `deny` lets it in.
package penstock.gate

import rego.v1

default allow := false

allow if count(deny) == 0

source := {"kind": "commit", "id": input.release.commit}

# --- images: each was built here, from the release's commit ---------------------------------------------------------

built(image) if {
	some said in input.evidence
	said.predicate_type == "https://slsa.dev/provenance/v1"
	said.witness == "observed"
	said.subject == {"kind": "image", "id": image}
	some dependency in said.predicate.buildDefinition.resolvedDependencies
	dependency.digest.gitCommit == input.release.commit
}

deny contains {
	"rule": "provenance",
	"subject": image,
	"message": "nothing proves that this image was built from the release's commit",
	"fix": "build it with `penstock build` in the pipeline",
} if {
	some name, digest in input.release.images
	image := sprintf("%s@%s", [name, digest])
	not built(image)
}

# --- secrets: Penstock itself has looked at the whole commit and found none -----------------------------------------

looks := [said.predicate |
	some said in input.evidence
	said.predicate_type == "https://penstock.dev/attestation/findings/v1"
	said.name == "gitleaks"
	said.witness == "observed"
	said.subject == source
]

# A look at a corner, or a list that is not whole, proves nothing.
whole contains look if {
	some look in looks
	look.paths == []
	look.summary.leftOut == 0
}

deny contains {
	"rule": "secrets",
	"subject": sprintf("commit %s", [input.release.commit]),
	"message": "gitleaks has not looked at the whole of this commit",
	"fix": "add a job with `penstock check gitleaks`, without paths",
} if count(whole) == 0

# Every look counts, so that a later one at a clean corner hides nothing.
deny contains {
	"rule": "secrets",
	"subject": sprintf("commit %s", [input.release.commit]),
	"message": sprintf("%s (%s)", [object.get(finding, "message", "no message"), object.get(finding, "rule", "no rule")]),
	"where": where(finding),
	"fix": object.get(finding, "fix", "remove the secret, revoke it, and push without it"),
} if {
	some look in looks
	some finding in look.findings
}

# A finding need not have a line, or a place at all; a value that is not there must not make the `deny` go away.
where(finding) := sprintf("%s:%d", [finding.location.path, finding.location.line])

where(finding) := finding.location.path if not finding.location.line

where(finding) := "" if not finding.location.path
