{{- define "fabric.api.budget" -}}
{{- .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" | ternary "policy/v1" (semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version | ternary "policy/v1" "policy/v1beta1") -}}
{{- end -}}
{{- define "fabric.api.scaler" -}}
{{- if semverCompare ">=1.23-0" .Capabilities.KubeVersion.GitVersion -}}autoscaling/v2{{- else -}}autoscaling/v2beta2{{- end -}}
{{- end -}}
{{- define "fabric.api.cron" -}}
{{- if ge (int (.Capabilities.KubeVersion.Minor | trimSuffix "+")) 25 }}batch/v1{{ else if .Capabilities.APIVersions.Has "batch/v1/CronJob" }}batch/v1{{ else }}batch/v1beta1{{ end -}}
{{- end -}}
