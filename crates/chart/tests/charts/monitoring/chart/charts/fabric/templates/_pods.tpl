{{- define "fabric.image" -}}
{{- $registry := coalesce .image.registry ((.context.Values.global).registry) "docker.io" -}}
{{- $tag := .image.tag | default .context.Chart.AppVersion | toString -}}
{{- if .image.digest -}}
{{- printf "%s/%s@%s" $registry .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s/%s:%s" $registry .image.repository $tag -}}
{{- end -}}
{{- end -}}

{{- define "fabric.env" -}}
{{- range $name, $value := .env }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  valueFrom: {{- toYaml $value | nindent 4 }}
  {{- else if kindIs "string" $value }}
  value: {{ tpl $value $.context | quote }}
  {{- else if kindIs "float64" $value }}
  value: {{ ternary (int64 $value | toString) (toString $value) (eq (floor $value) $value) | quote }}
  {{- else }}
  value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "fabric.spread" -}}
{{- $versions := .context.Capabilities.KubeVersion -}}
{{- if semverCompare ">=1.25-0" $versions.Version }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ .key | default "topology.kubernetes.io/zone" }}
    whenUnsatisfiable: {{ if .hard }}DoNotSchedule{{ else }}ScheduleAnyway{{ end }}
    labelSelector:
      matchLabels: {{- include "fabric.selector" (pick . "context" "component") | nindent 8 }}
{{- end }}
{{- end -}}

{{- define "fabric.placement" -}}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "securityContext" }}
{{- with index $.of $key }}
{{ $key }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "fabric.pullSecrets" -}}
{{- $names := list -}}
{{- range (.Values.global).pullSecrets -}}
{{- $names = append $names (kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") .) -}}
{{- end -}}
{{- with $names | uniq | compact }}
imagePullSecrets:
  {{- range . }}
  - name: {{ tpl (toString .) $ }}
  {{- end }}
{{- end }}
{{- end -}}
