{{- define "deep" }}
  {{ .Values.a.b.c.d }}
{{ end -}}
