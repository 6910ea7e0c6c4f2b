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

{{/* Of the setup job's objects: another name, or they would count as replicas. */}}
{{- define "edgepurge.setup.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-setup
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "edgepurge.setup.labels" -}}
{{ include "edgepurge.setup.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* A failed job stays, for its log. */}}
{{- define "edgepurge.setup.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "edgepurge.image" -}}
{{- $image := printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- with .Values.image.digest }}{{ $image = printf "%s@%s" $.Values.image.repository . }}{{ end }}
{{- $image | quote }}
{{- end }}

{{/* The variables of a user of NATS: existingSecret, auth and inbox, as in the values. */}}
{{- define "edgepurge.nats" -}}
{{- if .existingSecret }}
{{- if eq .auth "password" }}
- name: NATS_USER
  valueFrom: {secretKeyRef: {name: {{ .existingSecret | quote }}, key: user}}
- {name: NATS_PASSWORD_FILE, value: /etc/edgepurge/nats/password}
{{- else if eq .auth "token" }}
- {name: NATS_TOKEN_FILE, value: /etc/edgepurge/nats/token}
{{- else if eq .auth "nkey" }}
- {name: NATS_NKEY, value: /etc/edgepurge/nats/nkey}
{{- else }}
- {name: NATS_CREDS, value: /etc/edgepurge/nats/creds}
{{- end }}
{{- end }}
{{- with .inbox }}
- {name: EDGEPURGE_NATS_INBOX, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "edgepurge.port" -}}
{{- .Values.config.http.listen | splitList ":" | last -}}
{{- end }}
