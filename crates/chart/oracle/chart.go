package main

import (
	"bytes"
	"fmt"
	"sort"

	"github.com/pkg/errors"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// load reads the request's chart. Helm takes the charts below charts/ in the order of a Go map, which is none: here they are in the order of names.
func load(asked *request) (*chart.Chart, error) {
	read := func() (*chart.Chart, error) {
		if asked.Archive != nil {
			return loader.LoadArchive(bytes.NewReader(asked.Archive))
		}
		if asked.Directory != "" {
			return loader.LoadDir(asked.Directory)
		}
		var files []*loader.BufferedFile
		for _, name := range sortedKeys(asked.Files) {
			files = append(files, &loader.BufferedFile{Name: name, Data: []byte(asked.Files[name])})
		}
		return loader.LoadFiles(files)
	}
	found, err := read()
	if err != nil {
		return nil, err
	}
	sortCharts(found)
	return found, nil
}

func sortCharts(parent *chart.Chart) {
	below := append([]*chart.Chart(nil), parent.Dependencies()...)
	sort.SliceStable(below, func(i, j int) bool { return below[i].Name() < below[j].Name() })
	parent.SetDependencies(below...)
	for _, child := range below {
		sortCharts(child)
	}
}

func sortedKeys[V any](entries map[string]V) []string {
	keys := make([]string, 0, len(entries))
	for key := range entries {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// values merges values files and flags as the command line does (pkg/cli/values, which reads from disk).
func values(asked *request) (map[string]any, error) {
	base := map[string]any{}
	for i, file := range asked.Values {
		current := map[string]any{}
		if err := yaml.Unmarshal([]byte(file), &current); err != nil {
			return nil, errors.Wrapf(err, "failed to parse %d.yaml", i)
		}
		base = overlay(base, current)
	}
	flags := []struct {
		kind, name  string
		expressions []text
	}{
		{"json", "--set-json", asked.SetJSON},
		{"set", "--set", asked.Set},
		{"string", "--set-string", asked.SetString},
		{"file", "--set-file", asked.SetFile},
		{"literal", "--set-literal", asked.SetLiteral},
	}
	for _, flag := range flags {
		for _, expression := range flag.expressions {
			err := apply(flag.kind, string(expression), base, asked.Readable)
			switch {
			case err != nil && flag.kind == "json":
				return nil, errors.Errorf("failed parsing --set-json data %s", expression)
			case err != nil:
				return nil, errors.Wrapf(err, "failed parsing %s data", flag.name)
			}
		}
	}
	return base, nil
}

func overlay(below, above map[string]any) map[string]any {
	merged := make(map[string]any, len(below))
	for key, value := range below {
		merged[key] = value
	}
	for key, value := range above {
		over, isMap := value.(map[string]any)
		under, wasMap := merged[key].(map[string]any)
		if isMap && wasMap {
			merged[key] = overlay(under, over)
		} else {
			merged[key] = value
		}
	}
	return merged
}

func apply(kind, expression string, base map[string]any, readable map[string]text) error {
	switch kind {
	case "json":
		return strvals.ParseJSON(expression, base)
	case "set":
		return strvals.ParseInto(expression, base)
	case "string":
		return strvals.ParseIntoString(expression, base)
	case "literal":
		return strvals.ParseLiteralInto(expression, base)
	case "file":
		return strvals.ParseIntoFile(expression, base, func(name []rune) (any, error) {
			content, known := readable[string(name)]
			if !known {
				return nil, fmt.Errorf("open %s: no such file or directory", string(name))
			}
			return string(content), nil
		})
	}
	return fmt.Errorf("no such kind: %s", kind)
}

func capabilities(asked *request) (*chartutil.Capabilities, error) {
	caps := chartutil.DefaultCapabilities.Copy()
	if asked.KubeVersion != "" {
		parsed, err := chartutil.ParseKubeVersion(asked.KubeVersion)
		if err != nil {
			return nil, errors.Wrapf(err, "invalid kube version '%s'", asked.KubeVersion)
		}
		caps.KubeVersion = *parsed
	}
	caps.APIVersions = append(append(chartutil.VersionSet(nil), caps.APIVersions...), asked.APIVersions...)
	if asked.HelmVersion != "" {
		caps.HelmVersion.Version = asked.HelmVersion
	}
	if asked.GoVersion != "" {
		caps.HelmVersion.GoVersion = asked.GoVersion
	}
	return caps, nil
}

// prepared is a chart with its dependencies settled, and what its templates see.
func prepared(asked *request) (*chart.Chart, chartutil.Values, error) {
	found, err := load(asked)
	if err != nil {
		return nil, nil, err
	}
	given, err := values(asked)
	if err != nil {
		return nil, nil, err
	}
	if asked.Install {
		if kind := found.Metadata.Type; kind != "" && kind != "application" {
			return nil, nil, errors.Errorf("%s charts are not installable", kind)
		}
	}
	if err := chartutil.ProcessDependenciesWithMerge(found, given); err != nil {
		return nil, nil, err
	}
	caps, err := capabilities(asked)
	if err != nil {
		return nil, nil, err
	}
	revision := max(asked.Release.Revision, 1)
	name, namespace := asked.Release.Name, asked.Release.Namespace
	if name == "" {
		name = "release-name"
	}
	if namespace == "" {
		namespace = "default"
	}
	options := chartutil.ReleaseOptions{Name: name, Namespace: namespace, Revision: revision, IsUpgrade: asked.Release.Upgrade, IsInstall: !asked.Release.Upgrade}
	seen, err := chartutil.ToRenderValues(found, given, options, caps)
	if err != nil {
		return nil, nil, err
	}
	if wanted := found.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, caps.KubeVersion.String()) {
		return nil, nil, errors.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", wanted, caps.KubeVersion.String())
	}
	return found, seen, nil
}

func rendered(asked *request) (map[string]string, error) {
	found, seen, err := prepared(asked)
	if err != nil {
		return nil, err
	}
	if asked.Objects != nil {
		return renderWithObjects(asked, found, seen)
	}
	return engine.Engine{Strict: asked.Strict, LintMode: asked.Lint}.Render(found, seen)
}
