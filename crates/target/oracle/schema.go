package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// table numbers the struct types that are reachable from the kinds, in the order in which they are met.
type table struct {
	numbers map[reflect.Type]int
	types   []reflect.Type
}

func printSchema(all *runtime.Scheme) {
	t := &table{numbers: map[reflect.Type]int{}}
	var kinds []string
	seen := all.AllKnownTypes()
	for gvk := range seen {
		_, persisted := seen[gvk].FieldByName("ObjectMeta")
		if persisted && gvk.Version != runtime.APIVersionInternal {
			kinds = append(kinds, gvk.GroupVersion().String()+" "+gvk.Kind)
		}
	}
	sort.Strings(kinds)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := map[string]int{}
	byName := map[string]reflect.Type{}
	for gvk, object := range seen {
		byName[gvk.GroupVersion().String()+" "+gvk.Kind] = object
	}
	for _, kind := range kinds {
		lines[kind] = t.number(byName[kind])
	}
	for at := 0; at < len(t.types); at++ {
		fmt.Fprintf(out, "%s%s\n", t.types[at].Name(), t.fields(t.types[at]))
	}
	fmt.Fprintln(out)
	for _, kind := range kinds {
		fmt.Fprintf(out, "%s %d\n", kind, lines[kind])
	}
}

func (t *table) number(of reflect.Type) int {
	if _, ok := t.numbers[of]; !ok {
		t.numbers[of] = len(t.types)
		t.types = append(t.types, of)
	}
	return t.numbers[of]
}

// fields writes a struct's fields as encoding/json names them: " name:type", then what the tags say of patching.
func (t *table) fields(of reflect.Type) string {
	var line strings.Builder
	t.walk(of, &line)
	return line.String()
}

func (t *table) walk(of reflect.Type, line *strings.Builder) {
	for i := 0; i < of.NumField(); i++ {
		field := of.Field(i)
		if field.PkgPath != "" {
			continue
		}
		tag := field.Tag.Get("json")
		name := strings.Split(tag, ",")[0]
		if tag == "-" {
			continue
		}
		if name == "" && field.Anonymous {
			under := field.Type
			if under.Kind() == reflect.Pointer {
				under = under.Elem()
			}
			if under.Kind() == reflect.Struct {
				t.walk(under, line)
				continue
			}
		}
		if name == "" {
			name = field.Name
		}
		fmt.Fprintf(line, " %s:%s", name, t.shape(field.Type))
		if strategy, key := field.Tag.Get("patchStrategy"), field.Tag.Get("patchMergeKey"); strategy != "" || key != "" {
			fmt.Fprintf(line, ":%s", strategy)
			if key != "" {
				fmt.Fprintf(line, ":%s", key)
			}
		}
	}
}

// shape writes a type: a number for a struct, `*`, `[` and `{` before what they point to, list or map to, else its kind.
func (t *table) shape(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Pointer:
		return "*" + t.shape(of.Elem())
	case reflect.Slice, reflect.Array:
		return "[" + t.shape(of.Elem())
	case reflect.Map:
		return "{" + t.shape(of.Elem())
	case reflect.Struct:
		return fmt.Sprint(t.number(of))
	default:
		return of.Kind().String()
	}
}
