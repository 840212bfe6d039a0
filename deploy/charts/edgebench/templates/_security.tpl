{{/* What the profiles mean. A pod's added capabilities are in the bounding set of its processes; only for uid 0 does the
     kernel make them effective at exec (capabilities(7)), and Kubernetes sets no ambient ones. */}}

{{- define "edgebench.user" -}}
{{- if eq .Values.profile "minimal" }}
runAsNonRoot: true
runAsUser: 65534
runAsGroup: 65534
{{- else }}
runAsNonRoot: false
runAsUser: 0
runAsGroup: 0
{{- end }}
{{- end -}}

{{- define "edgebench.capabilities" -}}
{{- if eq .Values.profile "full" -}}
add: [SYS_PTRACE, DAC_READ_SEARCH]
{{- else if eq .Values.profile "standard" -}}
add: [SYS_PTRACE]
{{- end }}
drop: [ALL]
{{- end -}}

{{- define "edgebench.podSecurityContext" -}}
{{- $context := include "edgebench.user" . | fromYaml -}}
{{- $seccomp := dict "type" .Values.seccompProfile.type -}}
{{- with .Values.seccompProfile.localhostProfile -}}{{- $_ := set $seccomp "localhostProfile" . -}}{{- end -}}
{{- $_ := set $context "seccompProfile" $seccomp -}}
{{- if and .Values.appArmorProfile.type (semverCompare ">=1.30-0" (include "edgebench.kubeVersion" .)) -}}
{{- $apparmor := dict "type" .Values.appArmorProfile.type -}}
{{- with .Values.appArmorProfile.localhostProfile -}}{{- $_ := set $apparmor "localhostProfile" . -}}{{- end -}}
{{- $_ := set $context "appArmorProfile" $apparmor -}}
{{- end -}}
{{- if and .Values.web.configSecret (eq .Values.profile "minimal") -}}
{{- /* A Secret's files are root's; its group may read those of web.configSecret. */}}
{{- $_ := set $context "fsGroup" 65534 -}}
{{- end -}}
{{- with .Values.seLinuxOptions -}}{{- $_ := set $context "seLinuxOptions" . -}}{{- end -}}
{{- mergeOverwrite $context (deepCopy .Values.securityContext) | toYaml -}}
{{- end -}}

{{- define "edgebench.containerSecurityContext" -}}
{{- $context := dict "allowPrivilegeEscalation" false "privileged" false "readOnlyRootFilesystem" true -}}
{{- $_ := set $context "capabilities" (include "edgebench.capabilities" . | fromYaml) -}}
{{- $context = mergeOverwrite $context (deepCopy .Values.containerSecurityContext) -}}
{{- $pod := include "edgebench.podSecurityContext" . | fromYaml -}}
{{- $uid := $pod.runAsUser -}}
{{- if hasKey $context "runAsUser" -}}{{- $uid = $context.runAsUser -}}{{- end -}}
{{- if and (ne .Values.profile "minimal") (ne (int $uid) 0) -}}
{{- fail (printf "profile %s needs uid 0, not %d: a capability that a pod adds to another user is never effective. Take profile=minimal for any uid" .Values.profile (int $uid)) -}}
{{- end -}}
{{- $nonRoot := $pod.runAsNonRoot -}}
{{- if hasKey $context "runAsNonRoot" -}}{{- $nonRoot = $context.runAsNonRoot -}}{{- end -}}
{{- if and $nonRoot (eq (int $uid) 0) -}}
{{- fail (printf "profile %s with uid 0 and runAsNonRoot: no node would start it" .Values.profile) -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* AppArmor as Kubernetes knew it before 1.30. */}}
{{- define "edgebench.podAnnotations" -}}
{{- $annotations := deepCopy .Values.podAnnotations -}}
{{- $type := .Values.appArmorProfile.type -}}
{{- if and $type (semverCompare "<1.30-0" (include "edgebench.kubeVersion" .)) -}}
{{- $word := dict "Unconfined" "unconfined" "RuntimeDefault" "runtime/default" "Localhost" (printf "localhost/%s" .Values.appArmorProfile.localhostProfile) -}}
{{- $_ := set $annotations "container.apparmor.security.beta.kubernetes.io/exporter" (get $word $type) -}}
{{- end -}}
{{- with $annotations -}}{{- toYaml . -}}{{- end -}}
{{- end -}}
