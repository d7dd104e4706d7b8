name: {{ .name }}
webhook: {{ tpl .url .root | quote }}
{{- with .severity }}
match: {{ . | sortAlpha | join "," | quote }}
{{- end }}
group_wait: {{ .wait | default "1m" }}
