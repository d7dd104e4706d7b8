{{- define "toolbox.kubeVersion" -}}
{{- default (default .Capabilities.KubeVersion.Version .Values.kubeVersion) ((.Values.global).kubeVersion) -}}
{{- end -}}

{{- define "toolbox.apiVersion.autoscaler" -}}
{{- $version := include "toolbox.kubeVersion" .context -}}
{{- if and (not (empty $version)) (semverCompare "<1.23-0" $version) -}}
autoscaling/v2beta2
{{- else -}}
autoscaling/v2
{{- end -}}
{{- end -}}

{{- define "toolbox.apiVersion.ingress" -}}
{{- if .Values.ingress.apiVersion -}}
{{- .Values.ingress.apiVersion -}}
{{- else if semverCompare "<1.19-0" (include "toolbox.kubeVersion" .) -}}
networking.k8s.io/v1beta1
{{- else -}}
networking.k8s.io/v1
{{- end -}}
{{- end -}}

{{- define "toolbox.affinity.soft" -}}
preferredDuringSchedulingIgnoredDuringExecution:
  - podAffinityTerm:
      labelSelector:
        matchLabels: {{- (include "toolbox.matchLabels" (dict "custom" (default (dict) .custom) "context" .context)) | nindent 10 }}
          {{- if .component }}
          {{ printf "app.kubernetes.io/component: %s" .component }}
          {{- end }}
      topologyKey: {{ .key | default "kubernetes.io/hostname" }}
    weight: 1
{{- end -}}

{{- define "toolbox.resources" -}}
{{- $presets := dict
  "nano" (dict "requests" (dict "cpu" "100m" "memory" "128Mi") "limits" (dict "cpu" "150m" "memory" "192Mi"))
  "small" (dict "requests" (dict "cpu" "500m" "memory" "512Mi") "limits" (dict "cpu" "750m" "memory" "768Mi"))
  "large" (dict "requests" (dict "cpu" "1.0" "memory" "2048Mi") "limits" (dict "cpu" "1.5" "memory" "3072Mi"))
-}}
{{- if hasKey $presets .type -}}
{{- index $presets .type | toYaml -}}
{{- else -}}
{{- printf "ERROR: the preset '%s' is not one of %s" .type (join "," (keys $presets | sortAlpha)) | fail -}}
{{- end -}}
{{- end -}}

{{/* A password: what was given, what the cluster has, or a new one. */}}
{{- define "toolbox.password" -}}
{{- $found := (lookup "v1" "Secret" (include "toolbox.namespace" .context) .secret).data -}}
{{- if $found -}}
{{- index $found .key -}}
{{- else -}}
{{- $given := "" -}}
{{- range .paths -}}
{{- $at := $.context.Values -}}
{{- range splitList "." . -}}
{{- if kindIs "map" $at -}}{{- $at = get $at . -}}{{- end -}}
{{- end -}}
{{- if and (empty $given) $at (not (kindIs "map" $at)) -}}{{- $given = $at | toString -}}{{- end -}}
{{- end -}}
{{- required (printf "one of %s is needed" (join ", " .paths)) $given | b64enc -}}
{{- end -}}
{{- end -}}
