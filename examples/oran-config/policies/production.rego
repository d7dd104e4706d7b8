# Production asks for what staging asks for, that the release was tried there, and that a person agreed. Penstock asks
# for the last two by itself, as `penstock.yaml` says; they are repeated here so that this file alone is the whole answer.
package penstock.gate

default allow := false

allow if {
	input.environment == "production"
	count(deny) == 0
}

# Checks that have to have passed in staging, for this very release.
staging_checks := {"integration", "load"}

deny contains {
	"rule": "promotion",
	"subject": show(release),
	"message": sprintf("check `%s` has not passed in staging for this release", [check]),
	"fix": "look at the check's log; it has to pass in staging first",
} if {
	some check in staging_checks
	not passed(check)
}

passed(check) if {
	results := [e |
		some e in observed(release, environment_check)
		e.predicate.environment == "staging"
		e.predicate.check == check
	]
	newest(results).predicate.result == "PASSED"
}

deny contains {
	"rule": "approval",
	"subject": "environment production",
	"message": sprintf("%d of %d approvals", [count(input.approvals.valid), approvals_needed]),
	"fix": "have an approver who neither pushed nor wrote it look at it: `penstock approve`",
} if {
	count(input.approvals.valid) < approvals_needed
}

approvals_needed := max([1, input.approvals.required])
