{{/*
What the templates of this chart share. A part is a dict: context (the root), component (a word), of (its values).
*/}}

{{- define "monitoring.fullname" -}}
{{- include "fabric.fullname" . -}}
{{- end -}}

{{- define "monitoring.component.name" -}}
{{- printf "%s-%s" (include "monitoring.fullname" .context) .component | include "fabric.short" -}}
{{- end -}}

{{/* A part with everything in it that the definitions of fabric ask for. */}}
{{- define "monitoring.metadata" -}}
{{- $name := include "monitoring.component.name" . -}}
{{- with .suffix }}{{ $name = printf "%s-%s" $name . }}{{ end -}}
{{- include "fabric.metadata" (merge (dict "name" $name) .) -}}
{{- end -}}

{{- define "monitoring.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "monitoring.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* Ports: the main one, and others by name, in the order of their numbers. */}}
{{- define "monitoring.ports" -}}
{{- $byNumber := dict -}}
{{- range $name, $port := .of.extraPorts -}}
{{- $_ := set $byNumber (printf "%05d" (int $port)) $name -}}
{{- end -}}
- name: main
  {{ .word }}: {{ .of.port }}
{{- range $number := keys $byNumber | sortAlpha }}
- name: {{ get $byNumber $number }}
  {{ $.word }}: {{ $number | atoi }}
{{- end }}
{{- end -}}

{{- define "monitoring.probes" -}}
{{- $port := .port | default "main" -}}
{{- range $kind, $settings := dict "livenessProbe" (dict "periodSeconds" 10 "path" "/-/healthy") "readinessProbe" (dict "periodSeconds" 5 "path" "/-/ready") }}
{{ $kind }}:
  httpGet: { path: {{ $settings.path }}, port: {{ $port }} }
  {{- omit $settings "path" | toYaml | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Resources of a mode where a part has none of its own. */}}
{{- define "monitoring.resources" -}}
{{- $modes := dict
  "lab" (dict "requests" (dict "cpu" "50m" "memory" "64Mi"))
  "field" (dict "requests" (dict "cpu" "200m" "memory" "256Mi") "limits" (dict "memory" "512Mi"))
  "production" (dict "requests" (dict "cpu" 1 "memory" "2Gi") "limits" (dict "cpu" 2.5 "memory" "4Gi"))
-}}
{{- $own := .of.resources | default dict -}}
{{- if not $own -}}
  {{- $own = get $modes .context.Values.mode | required (printf "no resources are known for the mode %q" .context.Values.mode) -}}
{{- end -}}
resources: {{- toYaml $own | nindent 2 }}
{{- end -}}

{{/* The pod of a part. More goes in by `volumes` and `mounts`, both text. */}}
{{- define "monitoring.pod" -}}
{{- $root := .context -}}
serviceAccountName: {{ include "monitoring.serviceAccountName" $root }}
automountServiceAccountToken: {{ $root.Values.serviceAccount.automount }}
{{- include "fabric.pullSecrets" $root }}
{{- include "fabric.placement" . }}
{{- include "fabric.spread" (dict "context" $root "component" .component "hard" (eq $root.Values.mode "production")) }}
{{- if and $root.Values.priority.create (has .component (list "store" "collector")) }}
priorityClassName: {{ include "monitoring.fullname" $root }}-vital
{{- end }}
containers:
  - name: {{ .component }}
    image: {{ include "fabric.image" (dict "image" .of.image "context" $root) }}
    imagePullPolicy: {{ .of.image.pullPolicy | default (eq (.of.image.tag | toString) "latest" | ternary "Always" "IfNotPresent") }}
    {{- with .args }}
    args:
      {{- range . }}
      - {{ tpl . $root | quote }}
      {{- end }}
    {{- end }}
    {{- with include "fabric.env" (dict "env" .of.env "context" $root) | trim }}
    env:
      {{- . | nindent 6 }}
    {{- end }}
    ports:
      {{- include "monitoring.ports" (dict "of" .of "word" "containerPort") | nindent 6 }}
    {{- include "monitoring.probes" (dict "port" "main") | nindent 4 }}
    {{- include "monitoring.resources" . | nindent 4 }}
    volumeMounts:
      - { name: scratch, mountPath: /tmp }
      {{- with .mounts }}
      {{- . | trim | nindent 6 }}
      {{- end }}
volumes:
  - name: scratch
    emptyDir: { medium: Memory, sizeLimit: {{ mul 16 (.of.replicas | default 1) }}Mi }
  {{- with .volumes }}
  {{- . | trim | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "monitoring.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "monitoring.metadata" . | nindent 2 }}
spec:
  {{- if .headless }}
  clusterIP: None
  publishNotReadyAddresses: true
  {{- else }}
  type: {{ (.of.service).type | default "ClusterIP" }}
  {{- end }}
  selector: {{- include "fabric.selector" . | nindent 4 }}
  ports:
    {{- include "monitoring.ports" (dict "of" .of "word" "port") | nindent 4 }}
{{- end -}}

{{- define "monitoring.budget" -}}
{{- $budget := .of.budget | default (dict "maxUnavailable" (ternary 1 0 (gt (int .of.replicas) 1))) -}}
apiVersion: {{ include "fabric.api.budget" .context }}
kind: PodDisruptionBudget
metadata:
  {{- include "monitoring.metadata" . | nindent 2 }}
spec:
  {{- toYaml $budget | nindent 2 }}
  selector:
    matchLabels: {{- include "fabric.selector" . | nindent 6 }}
{{- end -}}

{{- define "monitoring.network" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "monitoring.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels: {{- include "fabric.selector" . | nindent 6 }}
  ingress:
    {{- range $from := concat (.from | default list) .context.Values.network.allow }}
    - from:
        - podSelector:
            matchLabels:
              {{- if kindIs "string" $from }}
              {{- include "fabric.selector" (dict "context" $.context "component" $from) | nindent 14 }}
              {{- else }}
              {{- toYaml $from | nindent 14 }}
              {{- end }}
      ports: [{ port: {{ $.of.port }} }]
    {{- end }}
{{- end -}}

{{/* Names of the cells, or of those that a list tells. Fails for one that is not there. */}}
{{- define "monitoring.cells" -}}
{{- $known := list -}}
{{- range .context.Values.cells }}{{ $known = append $known .name }}{{ end -}}
{{- if eq (toString .cells) "all" -}}
{{- toJson $known -}}
{{- else -}}
{{- range .cells }}{{ if not (has . $known) }}{{ fail (printf "subscription %s asks for the cell %s, which is not among %s" $.name . (join ", " $known)) }}{{ end }}{{ end -}}
{{- toJson .cells -}}
{{- end -}}
{{- end -}}

{{/* A password: what is there already, what is given, or one made of what names the release. */}}
{{- define "monitoring.password" -}}
{{- $there := lookup "v1" "Secret" .context.Release.Namespace .secret -}}
{{- if and $there (hasKey $there.data .key) -}}
{{- index $there.data .key -}}
{{- else -}}
{{- .given | default (printf "%s/%s" .context.Release.Namespace .secret | sha256sum | trunc 20) | b64enc -}}
{{- end -}}
{{- end -}}
