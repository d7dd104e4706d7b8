{{/* The reference of an image: include "toolbox.image" (dict "image" .Values.api.image "global" .Values.global "chart" .Chart) */}}
{{- define "toolbox.image" -}}
{{- $registry := default .image.registry ((.global).imageRegistry) -}}
{{- $separator := ":" -}}
{{- $last := .image.tag | toString -}}
{{- if not .image.tag -}}
{{- if .chart -}}{{- $last = .chart.AppVersion | toString -}}{{- end -}}
{{- end -}}
{{- if .image.digest -}}
{{- $separator = "@" -}}
{{- $last = .image.digest | toString -}}
{{- end -}}
{{- if $registry -}}
{{- printf "%s/%s%s%s" $registry .image.repository $separator $last -}}
{{- else -}}
{{- printf "%s%s%s" .image.repository $separator $last -}}
{{- end -}}
{{- end -}}

{{- define "toolbox.pullSecrets" -}}
{{- $secrets := list -}}
{{- range ((.context.Values.global).imagePullSecrets) -}}
{{- if kindIs "map" . -}}
{{- $secrets = append $secrets (include "toolbox.render" (dict "value" .name "context" $.context)) -}}
{{- else -}}
{{- $secrets = append $secrets (include "toolbox.render" (dict "value" . "context" $.context)) -}}
{{- end -}}
{{- end -}}
{{- range .images -}}
{{- range .pullSecrets -}}
{{- $secrets = append $secrets (kindIs "map" . | ternary (get (kindIs "map" . | ternary . (dict)) "name") .) -}}
{{- end -}}
{{- end -}}
{{- if $secrets }}
imagePullSecrets:
{{- range $secrets | uniq }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}
