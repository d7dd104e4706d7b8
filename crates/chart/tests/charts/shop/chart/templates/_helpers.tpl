{{- define "shop.component.fullname" -}}
{{- printf "%s-%s" (include "toolbox.fullname" .context) .name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "shop.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "toolbox.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "shop.database.host" -}}
{{- if .Values.database.enabled -}}
{{- printf "%s-database.%s.svc.%s" (include "toolbox.fullname" .) (include "toolbox.namespace" .) .Values.clusterDomain -}}
{{- else -}}
{{- required "database.external.host is needed when database.enabled is false" .Values.database.external.host -}}
{{- end -}}
{{- end -}}

{{- define "shop.database.secret" -}}
{{- if .Values.database.existingSecret -}}
{{- tpl .Values.database.existingSecret $ -}}
{{- else -}}
{{- printf "%s-database" (include "toolbox.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "shop.validate" -}}
{{- $messages := list -}}
{{- range $name, $component := .Values.components -}}
{{- if and $component.autoscaling.enabled (gt (int $component.autoscaling.minReplicas) (int $component.autoscaling.maxReplicas)) -}}
{{- $messages = append $messages (printf "shop: components.%s.autoscaling\n    minReplicas must not be above maxReplicas" $name) -}}
{{- end -}}
{{- end -}}
{{- $messages = without $messages "" -}}
{{- if $messages -}}
{{- printf "\nVALUES VALIDATION:\n%s" (join "\n" $messages) | fail -}}
{{- end -}}
{{- end -}}

{{- define "shop.probe" -}}
{{- if .probe.enabled }}
{{ .kind }}: {{- toYaml (omit .probe "enabled" "path") | nindent 2 }}
  httpGet:
    path: {{ .probe.path }}
    port: http
{{- end }}
{{- end -}}
