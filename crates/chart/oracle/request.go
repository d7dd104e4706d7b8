package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// request is a line of input. Which fields count depends on the op.
type request struct {
	Op string `json:"op"`

	// A chart: its files by path, its archive, or its directory.
	Files     map[string]text `json:"files"`
	Archive   []byte          `json:"archive"`
	Directory string          `json:"directory"`

	// Values files in the order of -f, then what the flags set, in Helm's order of kinds.
	Values     []text          `json:"values"`
	SetJSON    []text          `json:"setJson"`
	Set        []text          `json:"set"`
	SetString  []text          `json:"setString"`
	SetFile    []text          `json:"setFile"`
	SetLiteral []text          `json:"setLiteral"`
	Readable   map[string]text `json:"readable"`

	Release struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
		Revision  int    `json:"revision"`
		Upgrade   bool   `json:"upgrade"`
	} `json:"release"`
	KubeVersion string   `json:"kubeVersion"`
	APIVersions []string `json:"apiVersions"`
	HelmVersion string   `json:"helmVersion"`
	GoVersion   string   `json:"goVersion"`
	Strict      bool     `json:"strict"`
	Lint        bool     `json:"lint"`
	Install     bool     `json:"install"`
	Objects     []object `json:"objects"`

	Template    text         `json:"template"`
	Helpers     text         `json:"helpers"`
	Base        text         `json:"base"`
	Expressions []expression `json:"expressions"`
	Merge       bool         `json:"merge"`
	Text        text         `json:"text"`
	Schema      text         `json:"schema"`
}

// expression is one flag of the strvals op.
type expression struct {
	Kind string `json:"kind"`
	Text text   `json:"text"`
}

// text is a JSON string, or {"base64": "..."} when it is not UTF-8.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(t))
	}
	var wrapped struct {
		Base64 []byte `json:"base64"`
	}
	err := json.Unmarshal(data, &wrapped)
	*t = text(wrapped.Base64)
	return err
}

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(object{"base64": base64.StdEncoding.EncodeToString([]byte(t))})
}

// typed is a value with Go's types in it: what is not null, truth, string, list or map is an object with the type as its key.
func typed(value any) any {
	switch it := value.(type) {
	case nil, bool:
		return it
	case string:
		return text(it)
	case int64:
		return object{"$int64": strconv.FormatInt(it, 10)}
	case float64:
		return object{"$float64": number(it)}
	case []any:
		items := make([]any, len(it))
		for i, item := range it {
			items[i] = typed(item)
		}
		return items
	case map[string]any:
		entries := make(object, len(it))
		for key, entry := range it {
			entries[key] = typed(entry)
		}
		return entries
	default:
		return object{"$" + fmt.Sprintf("%T", value): fmt.Sprint(value)}
	}
}

// number shows every bit that tells one float from another, and minus zero.
func number(it float64) string {
	if it == 0 && math.Signbit(it) {
		return "-0"
	}
	return strconv.FormatFloat(it, 'g', -1, 64)
}
