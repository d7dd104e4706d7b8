package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

// operations are what can be asked.
var operations = map[string]func(*request) (object, error){
	"render":    render,
	"template":  template,
	"strvals":   setFlags,
	"coalesce":  coalesce,
	"yaml":      readWrite,
	"schema":    validate,
	"manifests": manifests,
	"lint":      lintChart,
	"load":      loaded,
	"functions": functions,
}

func render(asked *request) (object, error) {
	files, err := rendered(asked)
	if err != nil {
		return nil, err
	}
	shown := make(map[string]text, len(files))
	for name, content := range files {
		shown[name] = text(content)
	}
	return object{"files": shown}, nil
}

// template renders one template in a chart that has nothing else, but the request's files.
func template(asked *request) (object, error) {
	if asked.Files == nil {
		asked.Files = map[string]text{}
	}
	asked.Files["Chart.yaml"] = "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: \"4.5\"\n"
	asked.Files["templates/t.yaml"] = asked.Template
	if asked.Helpers != "" {
		asked.Files["templates/_h.tpl"] = asked.Helpers
	}
	files, err := rendered(asked)
	if err != nil {
		return nil, err
	}
	return object{"text": text(files["c/templates/t.yaml"])}, nil
}

func setFlags(asked *request) (object, error) {
	base := map[string]any{}
	if err := yaml.Unmarshal([]byte(asked.Base), &base); err != nil {
		return nil, err
	}
	if base == nil {
		base = map[string]any{}
	}
	for i, it := range asked.Expressions {
		if err := apply(it.Kind, string(it.Text), base, asked.Readable); err != nil {
			return object{"at": i}, err
		}
	}
	return object{"values": typed(base)}, nil
}

func coalesce(asked *request) (object, error) {
	found, err := load(asked)
	if err != nil {
		return nil, err
	}
	given, err := values(asked)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependenciesWithMerge(found, given); err != nil {
		return nil, err
	}
	join := chartutil.CoalesceValues
	if asked.Merge {
		join = chartutil.MergeValues
	}
	merged, err := join(found, given)
	if err != nil {
		return nil, err
	}
	return object{"values": typed(merged.AsMap()), "charts": names(found)}, nil
}

// names are those of a chart and of the charts that are left in it.
func names(at *chart.Chart) object {
	below := []object{}
	for _, child := range at.Dependencies() {
		below = append(below, names(child))
	}
	return object{"name": at.Name(), "charts": below}
}

func readWrite(asked *request) (object, error) {
	var value any
	if err := yaml.Unmarshal([]byte(asked.Text), &value); err != nil {
		return nil, err
	}
	given := object{"value": typed(value)}
	written, err := yaml.Marshal(value)
	given["yaml"] = text(written)
	return given, err
}

func validate(asked *request) (object, error) {
	given, err := chartutil.ReadValues([]byte(asked.Base))
	if err != nil {
		return nil, err
	}
	return object{}, chartutil.ValidateAgainstSingleSchema(given, []byte(asked.Schema))
}

func manifests(asked *request) (object, error) {
	files := make(map[string]string, len(asked.Files))
	for name, content := range asked.Files {
		files[name] = string(content)
	}
	hooks, sorted, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	shown := []object{}
	for _, it := range sorted {
		shown = append(shown, object{"name": it.Name, "content": text(it.Content)})
	}
	found := []object{}
	for _, it := range hooks {
		found = append(found, object{
			"name": it.Name, "kind": it.Kind, "path": it.Path, "manifest": text(it.Manifest), "events": it.Events,
			"weight": it.Weight, "deletePolicies": it.DeletePolicies,
		})
	}
	return object{"hooks": found, "manifests": shown}, err
}

// lintChart writes the chart down, since Helm lints directories.
func lintChart(asked *request) (object, error) {
	given, err := values(asked)
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	for name, content := range asked.Files {
		path := filepath.Join(root, "chart", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	var kube *chartutil.KubeVersion
	if asked.KubeVersion != "" {
		if kube, err = chartutil.ParseKubeVersion(asked.KubeVersion); err != nil {
			return nil, err
		}
	}
	linted := lint.AllWithKubeVersion(filepath.Join(root, "chart"), given, asked.Release.Namespace, kube)
	messages := []object{}
	for _, it := range linted.Messages {
		messages = append(messages, object{"severity": it.Severity, "path": it.Path, "text": text(it.Err.Error())})
	}
	return object{"messages": messages, "highest": linted.HighestSeverity}, nil
}

func loaded(asked *request) (object, error) {
	found, err := load(asked)
	if err != nil {
		return nil, err
	}
	return describe(found)
}

func describe(at *chart.Chart) (object, error) {
	files := func(list []*chart.File) []object {
		shown := []object{}
		for _, it := range list {
			shown = append(shown, object{"name": text(it.Name), "data": text(it.Data)})
		}
		return shown
	}
	metadata, err := json.Marshal(at.Metadata)
	if err != nil {
		return nil, err
	}
	below := []object{}
	for _, child := range at.Dependencies() {
		described, err := describe(child)
		if err != nil {
			return nil, err
		}
		below = append(below, described)
	}
	crds := []object{}
	for _, it := range at.CRDObjects() {
		crds = append(crds, object{"name": text(it.Name), "filename": text(it.Filename)})
	}
	return object{
		"metadata": json.RawMessage(metadata), "lock": at.Lock, "values": typed(at.Values), "schema": text(at.Schema),
		"templates": files(at.Templates), "files": files(at.Files), "raw": files(at.Raw), "crds": crds, "charts": below,
	}, nil
}

// functions are Sprig's with their Go types, those that Helm takes away among them.
func functions(*request) (object, error) {
	types := object{}
	for name, function := range sprig.TxtFuncMap() {
		types[name] = reflect.TypeOf(function).String()
	}
	types["env"], types["expandenv"] = nil, nil
	return object{"functions": types, "version": fmt.Sprint(chartutil.DefaultCapabilities.HelmVersion.Version)}, nil
}
