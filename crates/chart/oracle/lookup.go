//go:build !helm314

package main

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// renderWithObjects renders with a `lookup` that sees the request's objects.
func renderWithObjects(asked *request, found *chart.Chart, seen chartutil.Values) (map[string]string, error) {
	return engine.RenderWithClientProvider(found, seen, cluster(asked.Objects))
}

type cluster []object

// kept are the objects of one kind, in one namespace once one was named. Only what `lookup` calls is there.
type kept struct {
	dynamic.NamespaceableResourceInterface
	objects   []object
	resource  schema.GroupResource
	namespace string
}

func (c cluster) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	group, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, false, err
	}
	of := kept{resource: schema.GroupResource{Group: group.Group, Resource: kind}}
	namespaced := false
	for _, it := range c {
		if it["apiVersion"] == apiVersion && it["kind"] == kind {
			of.objects = append(of.objects, it)
			namespaced = namespaced || (&unstructured.Unstructured{Object: it}).GetNamespace() != ""
		}
	}
	return of, namespaced, nil
}

func (k kept) Namespace(name string) dynamic.ResourceInterface {
	k.namespace = name
	return k
}

func (k kept) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	for _, it := range k.objects {
		object := &unstructured.Unstructured{Object: it}
		if object.GetName() == name && (k.namespace == "" || object.GetNamespace() == k.namespace) {
			return object, nil
		}
	}
	return nil, apierrors.NewNotFound(k.resource, name)
}

func (k kept) List(context.Context, metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{Object: object{"apiVersion": "v1", "kind": "List"}}
	for _, it := range k.objects {
		object := unstructured.Unstructured{Object: it}
		if k.namespace == "" || object.GetNamespace() == k.namespace {
			list.Items = append(list.Items, object)
		}
	}
	return list, nil
}
