{{/* Names: shortened, without a dash at the end. */}}
{{- define "fabric.short" -}}
{{- . | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "fabric.name" -}}
{{- include "fabric.short" (default .Chart.Name .Values.nameOverride) -}}
{{- end -}}

{{- define "fabric.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- include "fabric.short" .Values.fullnameOverride -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- include "fabric.short" .Release.Name -}}
{{- else -}}
{{- include "fabric.short" (printf "%s-%s" .Release.Name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fabric.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | include "fabric.short" -}}
{{- end -}}
