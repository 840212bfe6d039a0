{{/* A flag with its value: (list name value). Kubernetes puts variables in the place of $(NAME): no value is meant so. */}}
{{- define "edgebench.flag" -}}
- {{ printf "--%s=%s" (first .) (last . | toString | replace "$(" "$$(") | quote }}
{{- end -}}

{{/* The arguments of edgebench-exporter, which refuses what it does not know. */}}
{{- define "edgebench.arguments" -}}
{{- $v := .Values }}
{{- include "edgebench.flag" (list "web.listen-address" (printf ":%d" (int $v.service.port))) }}
{{ include "edgebench.flag" (list "web.max-connections" (int $v.web.maxConnections)) }}
{{- if $v.web.configSecret }}
{{ include "edgebench.flag" (list "web.config.file" "/etc/edgebench/web/web-config.yml") }}
{{- end }}
{{ include "edgebench.flag" (list "path.procfs" ($v.hostMounts.proc | ternary "/host/proc" "/proc")) }}
{{- if $v.hostMounts.cgroup }}
{{ include "edgebench.flag" (list "path.sysfs" "/host/sys") }}
{{- end }}
{{ include "edgebench.flag" (list "discovery" $v.discovery.mode) }}
{{ include "edgebench.flag" (list "discovery.recheck" $v.discovery.recheck) }}
{{ include "edgebench.flag" (list "discovery.trust" $v.discovery.trust) }}
{{ include "edgebench.flag" (list "kube" ($v.kube.enabled | ternary "on" "off")) }}
{{ include "edgebench.flag" (list "kubevirt.scope" $v.kubevirt.scope) }}
{{ include "edgebench.flag" (list "kubevirt.interval" $v.kubevirt.interval) }}
{{ include "edgebench.flag" (list "kubevirt.timeout" $v.kubevirt.timeout) }}
{{ include "edgebench.flag" (list "kubevirt.insecure-skip-verify" $v.kubevirt.insecureSkipVerify) }}
{{- range $v.kubevirt.endpoints }}
{{ include "edgebench.flag" (list "kubevirt.endpoint" .) }}
{{- end }}
{{- if $v.kubevirt.token }}
{{- if not $v.kube.enabled }}{{ fail "kubevirt.token needs kube.enabled: without it no token is mounted" }}{{ end }}
{{ include "edgebench.flag" (list "kubevirt.token-file" "/var/run/secrets/kubernetes.io/serviceaccount/token") }}
{{- end }}
{{- if $v.kubevirt.caConfigMap }}
{{ include "edgebench.flag" (list "kubevirt.ca-file" "/etc/edgebench/kubevirt-ca/ca.crt") }}
{{- end }}
{{- range $v.guest.targets }}
{{ include "edgebench.flag" (list "guest.targets" .) }}
{{- end }}
{{ include "edgebench.flag" (list "guest.interval" $v.guest.interval) }}
{{ include "edgebench.flag" (list "guest.timeout" $v.guest.timeout) }}
{{ include "edgebench.flag" (list "pss.budget" $v.pss.budget) }}
{{ include "edgebench.flag" (list "pss.max-resident" $v.pss.maxResident) }}
{{ include "edgebench.flag" (list "pss.interval" $v.pss.interval) }}
{{- range $name, $on := $v.collectors }}
{{- if not $on }}
- {{ printf "--no-collector.%s" $name | quote }}
{{- end }}
{{- end }}
{{ include "edgebench.flag" (list "log.level" $v.log.level) }}
{{ include "edgebench.flag" (list "log.format" $v.log.format) }}
{{- range $v.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}
