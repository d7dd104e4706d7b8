{{- define "one.label" -}}
{{ .Chart.Name }}-{{ .Values.name | quote }}
{{- end -}}
{{- define "shared" -}}from one{{- end -}}
