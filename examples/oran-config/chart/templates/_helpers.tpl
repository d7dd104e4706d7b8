{{/* Labels of everything that belongs to the product. */}}
{{- define "oran.labels" -}}
app.kubernetes.io/part-of: {{ .Chart.Name }}
{{- end }}

{{/* What tells the pods of a service, given its name. */}}
{{- define "oran.selector" -}}
app.kubernetes.io/name: {{ . }}
{{- end }}

{{/* An image by digest; by its name alone until Penstock has written one. */}}
{{- define "oran.image" -}}
{{ .repository }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The analysis that judges the canary of a service: services with as many requests share one. */}}
{{- define "oran.analysis" -}}
{{ if ge (int .minRequests) 500 }}requests{{ else }}internal-requests{{ end }}
{{- end }}

{{/* What a probe asks a service. */}}
{{- define "oran.probe" -}}
{{- if .service.grpcPort -}}
grpc:
  port: {{ .service.grpcPort }}
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
{{- end }}
timeoutSeconds: 1
{{- end }}
