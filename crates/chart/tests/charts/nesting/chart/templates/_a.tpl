{{- define "inner" -}}<{{ .Values.name }}>{{- end -}}
{{- define "outer" }}
outer begins
{{- include "inner" . | nindent 2 }}
{{- template "inner" . }}
outer ends
{{- end }}
{{- define "counted" -}}
{{- if gt (int .left) 0 -}}
{{ .left }} {{ include "counted" (dict "left" (sub (int .left) 1)) }}
{{- else -}}done{{- end -}}
{{- end -}}
{{- define "twice" }}first{{ end -}}
{{- define "endless" }}{{ include "endless" . }}{{ end -}}
{{- define "with-vars" -}}
{{- $it := . -}}{{- range $i, $e := $it.items }}{{ $i }}{{ $e }}{{ $it.name }} {{ end -}}
{{- end -}}
