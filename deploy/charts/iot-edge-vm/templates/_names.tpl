{{/* The prefix of every object's name, as in the source document; without one it is the release's. */}}
{{- define "iot-edge-vm.name" -}}
{{- .Values.nameOverride | default (.Release.Name | replace "." "-") | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* What Services and people select by. */}}
{{- define "iot-edge-vm.selector" -}}
kubevirt.io/domain: {{ include "iot-edge-vm.name" . }}-vm
{{- end }}

{{/* Labels of the VM's pod are labels of KubeVirt's metrics, so there are few. */}}
{{- define "iot-edge-vm.podLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{ include "iot-edge-vm.selector" . }}
{{- end }}

{{- define "iot-edge-vm.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Values.iotEdge.version | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Whether there is a Service for ssh: not without a key, with which nobody could log in. */}}
{{- define "iot-edge-vm.hasSsh" -}}
{{- if and .Values.aziotEdgeVmEnableExternalSsh (trim .Values.publicSshKey) -}}yes{{- end -}}
{{- end }}

{{- define "iot-edge-vm.configSecret" -}}
{{- .Values.existingConfigSecret | default (printf "%s-vm-aziotedgeconfig" (include "iot-edge-vm.name" .)) -}}
{{- end }}

{{/* What edgebench asks inside of the VM: the value of its annotation. */}}
{{- define "iot-edge-vm.guestTargets" -}}
{{- $targets := list -}}
{{- range $kind, $port := dict "node_exporter" .Values.metrics.nodeExporterPort "edgeAgent" .Values.metrics.edgeAgentPort "edgeHub" .Values.metrics.edgeHubPort -}}
{{- if $port -}}
{{- $targets = append $targets (printf "%s=%d" $kind (int $port)) -}}
{{- end -}}
{{- end -}}
{{- join "," $targets -}}
{{- end }}
