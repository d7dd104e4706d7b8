{{- define "twice" }}second{{ end -}}
{{- define "empty" }}{{ end -}}
stray text of a partial
