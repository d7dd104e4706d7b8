# What a release must prove before it runs. Only `allow == true` lets it in.
package penstock.gate

import rego.v1

default allow := false

allow if count(deny) == 0

# every image says which commit it was built from, and that is the release's
built(image) if {
	some said in input.evidence
	said.predicate_type == "https://slsa.dev/provenance/v1"
	said.subject.kind == "image"
	said.subject.id == image
	some source in said.predicate.buildDefinition.resolvedDependencies
	source.digest.gitCommit == input.release.commit
}

deny contains {
	"rule": "provenance",
	"subject": image,
	"message": "nothing proves that this image was built from the release's commit",
	"place": "",
	"fix": "build it with `penstock build` in the pipeline",
} if {
	some name, digest in input.release.images
	image := sprintf("%s@%s", [name, digest])
	not built(image)
}

# no secret in the source, seen by Penstock itself
scanned if {
	some said in input.evidence
	said.name == "gitleaks"
	said.witness == "observed"
	said.subject.id == input.release.commit
}

deny contains {
	"rule": "secrets",
	"subject": input.release.commit,
	"message": "gitleaks has not looked at this commit",
	"place": "",
	"fix": "add a job with `penstock check gitleaks`",
} if not scanned

deny contains {
	"rule": "secrets",
	"subject": finding.rule,
	"message": finding.message,
	"place": sprintf("%s:%d", [finding.location.path, finding.location.line]),
	"fix": "remove the secret, revoke it, and push without it",
} if {
	some said in input.evidence
	said.name == "gitleaks"
	said.witness == "observed"
	some finding in said.predicate.findings
}
