{{/* The two host directories. A hostPath mount of /proc shows the node's processes without hostPID: which ones a procfs
     shows was settled when it was mounted. */}}

{{- define "edgebench.hostMount" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  mountPath: {{ index . 2 }}
  readOnly: true
  {{- if semverCompare ">=1.31-0" (include "edgebench.kubeVersion" $root) }}
  {{- if ne $root.Values.hostMounts.recursiveReadOnly "Disabled" }}
  recursiveReadOnly: {{ $root.Values.hostMounts.recursiveReadOnly }}
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "edgebench.mounts" -}}
{{- $none := true -}}
{{- if .Values.hostMounts.proc }}{{ $none = false }}
{{ include "edgebench.hostMount" (list . "proc" "/host/proc") }}
{{- end }}
{{- if .Values.hostMounts.cgroup }}{{ $none = false }}
{{ include "edgebench.hostMount" (list . "cgroup" "/host/sys/fs/cgroup") }}
{{- end }}
{{- if .Values.web.configSecret }}{{ $none = false }}
- name: web
  mountPath: /etc/edgebench/web
  readOnly: true
{{- end }}
{{- if .Values.kubevirt.caConfigMap }}{{ $none = false }}
- name: kubevirt-ca
  mountPath: /etc/edgebench/kubevirt-ca
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}{{ $none = false }}
{{ toYaml . }}
{{- end }}
{{- if $none }}
[]
{{- end }}
{{- end -}}

{{- define "edgebench.volumes" -}}
{{- $none := true -}}
{{- if .Values.hostMounts.proc }}{{ $none = false }}
- name: proc
  hostPath:
    path: /proc
    type: Directory
{{- end }}
{{- if .Values.hostMounts.cgroup }}{{ $none = false }}
- name: cgroup
  hostPath:
    path: /sys/fs/cgroup
    type: Directory
{{- end }}
{{- with .Values.web.configSecret }}{{ $none = false }}
- name: web
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
{{- end }}
{{- with .Values.kubevirt.caConfigMap }}{{ $none = false }}
- name: kubevirt-ca
  configMap:
    name: {{ . | quote }}
{{- end }}
{{- with .Values.extraVolumes }}{{ $none = false }}
{{ toYaml . }}
{{- end }}
{{- if $none }}
[]
{{- end }}
{{- end -}}
