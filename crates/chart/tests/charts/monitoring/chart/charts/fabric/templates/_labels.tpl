{{- define "fabric.selector" -}}
app.kubernetes.io/name: {{ include "fabric.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "fabric.labels" -}}
{{- $own := include "fabric.selector" . | fromYaml -}}
{{- $more := dict "helm.sh/chart" (include "fabric.chart" .context) "app.kubernetes.io/managed-by" .context.Release.Service -}}
{{- with .context.Chart.AppVersion }}{{ $_ := set $more "app.kubernetes.io/version" . }}{{ end -}}
{{- $global := ((.context.Values.global).labels) | default dict -}}
{{- $common := tpl (toYaml (.context.Values.commonLabels | default dict)) .context | fromYaml -}}
{{- mergeOverwrite (dict) $global $more $common (.extra | default dict) $own | toYaml -}}
{{- end -}}

{{- define "fabric.metadata" -}}
name: {{ .name | default (include "fabric.fullname" .context) }}
namespace: {{ .context.Release.Namespace | quote }}
labels:
  {{- include "fabric.labels" . | nindent 2 }}
{{- $annotations := merge (dict) (.annotations | default dict) (.context.Values.commonAnnotations | default dict) }}
{{- with $annotations }}
annotations:
  {{- tpl (toYaml .) $.context | nindent 2 }}
{{- end }}
{{- end -}}
