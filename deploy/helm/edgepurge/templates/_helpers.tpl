{{- define "edgepurge.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "edgepurge.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "edgepurge.labels" -}}
{{ include "edgepurge.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "edgepurge.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "edgepurge.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{/* The seconds of a duration such as 25s, 1m30s or 2m. */}}
{{- define "edgepurge.seconds" -}}
{{- $d := toString . -}}
{{- $m := regexFind "^[0-9]+m" $d | trimSuffix "m" | default "0" | int -}}
{{- $s := regexFind "[0-9]+s$" $d | trimSuffix "s" | default "0" | int -}}
{{- add (mul $m 60) $s -}}
{{- end }}

{{/* Nine tenths of a memory limit such as 512Mi or 1Gi, in MiB. */}}
{{- define "edgepurge.memory" -}}
{{- $n := regexFind "^[0-9]+" . | int -}}
{{- if hasSuffix "Gi" . }}{{ $n = mul $n 1024 }}{{ end -}}
{{- div (mul $n 9) 10 -}}MiB
{{- end }}

{{- define "edgepurge.port" -}}
{{- .Values.config.http.listen | splitList ":" | last -}}
{{- end }}
