{{/* Labels of everything: include "toolbox.labels" (dict "custom" .Values.commonLabels "context" $) */}}
{{- define "toolbox.labels" -}}
{{- if and (hasKey . "custom") (hasKey . "context") -}}
{{- $default := dict "app.kubernetes.io/name" (include "toolbox.name" .context) "helm.sh/chart" (include "toolbox.chart" .context) "app.kubernetes.io/instance" .context.Release.Name "app.kubernetes.io/managed-by" .context.Release.Service -}}
{{- with .context.Chart.AppVersion -}}
{{- $_ := set $default "app.kubernetes.io/version" (. | replace "+" "_" | trunc 63) -}}
{{- end -}}
{{ template "toolbox.merge" (dict "values" (list .custom $default) "context" .context) }}
{{- else -}}
app.kubernetes.io/name: {{ include "toolbox.name" . }}
helm.sh/chart: {{ include "toolbox.chart" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- end -}}

{{- define "toolbox.matchLabels" -}}
{{- if and (hasKey . "custom") (hasKey . "context") -}}
{{ merge (pick (include "toolbox.render" (dict "value" .custom "context" .context) | fromYaml) "app.kubernetes.io/name" "app.kubernetes.io/instance") (dict "app.kubernetes.io/name" (include "toolbox.name" .context) "app.kubernetes.io/instance" .context.Release.Name) | toYaml }}
{{- else -}}
app.kubernetes.io/name: {{ include "toolbox.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- end -}}
