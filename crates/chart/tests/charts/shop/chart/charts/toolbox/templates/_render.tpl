{{/* A value that may hold a template: include "toolbox.render" (dict "value" .Values.x "context" $) */}}
{{- define "toolbox.render" -}}
{{- $value := typeIs "string" .value | ternary .value (.value | toYaml) -}}
{{- if contains "{{" (toJson .value) -}}
{{- if .scope -}}
{{- tpl (cat "{{- with $.RelativeScope -}}" $value "{{- end }}") (merge (dict "RelativeScope" .scope) .context) -}}
{{- else -}}
{{- tpl $value .context -}}
{{- end -}}
{{- else -}}
{{- $value -}}
{{- end -}}
{{- end -}}

{{- define "toolbox.merge" -}}
{{- $all := dict -}}
{{- range .values -}}
{{- $all = include "toolbox.render" (dict "value" . "context" $.context) | fromYaml | merge $all -}}
{{- end -}}
{{ $all | toYaml }}
{{- end -}}
