# Staging takes whatever meets the common rules, without a person.
package penstock.gate

default allow := false

allow if {
	input.environment == "staging"
	count(deny) == 0
}
