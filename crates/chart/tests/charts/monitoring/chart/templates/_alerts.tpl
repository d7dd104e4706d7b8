{{/* What a file of rules sees, in a second templating: Prometheus has its own braces. */}}
{{- define "monitoring.rules.scope" -}}
{{- $names := list -}}
{{- range .Values.cells }}{{- $names = append $names .name -}}{{ end -}}
{{- dict "thresholds" .Values.rules.thresholds "cells" $names "site" .Values.global.labels.site "Template" .Template | toJson -}}
{{- end -}}

{{- define "monitoring.rule" -}}
{{- $rule := .rule -}}
- alert: {{ $rule.alert }}
  expr: {{ $rule.expr | quote }}
  {{- with $rule.for }}
  for: {{ . }}
  {{- end }}
  labels:
    severity: {{ $rule.severity | default "info" }}
    {{- with $rule.labels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    summary: {{ $rule.summary | quote }}
    board: {{ printf "https://%s/d/{{ $labels.cell }}?from={{ $activeAt }}" (tpl .context.Values.board.ingress.host .context) | quote }}
{{- end -}}
