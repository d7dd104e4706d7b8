// Command patch-oracle answers with Kubernetes' own Go packages what penstock-target answers in Rust, as helm 3.18.4 links them.
//
//	patch-oracle schema   prints the table that src/kubernetes/patch/schema.txt holds
//	patch-oracle          reads one question a line, writes one answer a line (both JSON)
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	jsonpatch "github.com/evanphx/json-patch"
	apiextv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

// question is one patch to be made. How is "strategic", "merge3" or "merge2"; "fits" asks whether Modified is of its kind's Go type.
type question struct {
	How      string          `json:"how"`
	Version  string          `json:"version"`
	Kind     string          `json:"kind"`
	Original json.RawMessage `json:"original"`
	Modified json.RawMessage `json:"modified"`
	Current  json.RawMessage `json:"current"`
}

type answer struct {
	Patch json.RawMessage `json:"patch,omitempty"`
	After json.RawMessage `json:"after,omitempty"`
	Error string          `json:"error,omitempty"`
}

func known() *runtime.Scheme {
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextv1beta1.AddToScheme, apiextv1.AddToScheme} {
		if err := add(all); err != nil {
			panic(err)
		}
	}
	return all
}

func main() {
	all := known()
	if len(os.Args) > 1 && os.Args[1] == "schema" {
		printSchema(all)
		return
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			said, _ := json.Marshal(reply(all, line))
			out.Write(append(said, '\n'))
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

func reply(all *runtime.Scheme, line []byte) (said answer) {
	defer func() {
		if reason := recover(); reason != nil {
			said = answer{Error: fmt.Sprintf("panic: %v", reason)}
		}
	}()
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	patch, after, err := answerTo(all, asked)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Patch: patch, After: after}
}

func answerTo(all *runtime.Scheme, asked question) (patch, after []byte, err error) {
	switch asked.How {
	case "merge2":
		patch, err = jsonpatch.CreateMergePatch(asked.Original, asked.Modified)
	case "merge3":
		patch, err = jsonmergepatch.CreateThreeWayJSONMergePatch(asked.Original, asked.Modified, asked.Current,
			mergepatch.RequireKeyUnchanged("apiVersion"), mergepatch.RequireKeyUnchanged("kind"), mergepatch.RequireMetadataKeyUnchanged("name"))
		if err != nil && mergepatch.IsPreconditionFailed(err) {
			err = fmt.Errorf("%w: at least one field was changed: apiVersion, kind or name", err)
		}
	case "fits":
		patch, err = []byte("{}"), fits(all, asked)
	default:
		object, fault := all.New(schema.FromAPIVersionAndKind(asked.Version, asked.Kind))
		if fault != nil {
			return nil, nil, fault
		}
		meta, fault := strategicpatch.NewPatchMetaFromStruct(object)
		if fault != nil {
			return nil, nil, fault
		}
		patch, err = strategicpatch.CreateThreeWayMergePatch(asked.Original, asked.Modified, asked.Current, meta, true)
		if err == nil {
			// what the server would make of it; a patch that it cannot apply is told as no result
			after, _ = strategicpatch.StrategicMergePatchUsingLookupPatchMeta(asked.Current, patch, meta)
		}
	}
	return patch, after, err
}

// fits converts as helm's kube.AsVersioned does; where that fails, helm takes the object for a custom resource.
func fits(all *runtime.Scheme, asked question) error {
	object, err := all.New(schema.FromAPIVersionAndKind(asked.Version, asked.Kind))
	if err != nil {
		return err
	}
	content := map[string]interface{}{}
	if err := utiljson.Unmarshal(asked.Modified, &content); err != nil {
		return err
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(content, object)
}
