{{/* A word of a shell, whatever is in it. */}}
{{- define "iot-edge-vm.word" -}}
'{{ . | toString | replace "'" "'\\''" }}'
{{- end }}

{{/* What the scripts in files/ are told. */}}
{{- define "iot-edge-vm.settings" -}}
IOTEDGE_VERSION={{ include "iot-edge-vm.word" .Values.iotEdge.version }}
APT_KEY_FINGERPRINT={{ include "iot-edge-vm.word" .Values.iotEdge.aptKeyFingerprint }}
NODE_EXPORTER_PORT={{ include "iot-edge-vm.word" (int .Values.metrics.nodeExporterPort) }}
CONFIG_DISK_SERIAL={{ include "iot-edge-vm.word" .Values.configDiskSerial }}
ROOT_CA_NAME={{ include "iot-edge-vm.word" .Values.rootCAName }}
DEVICE_CA_CERT_NAME={{ include "iot-edge-vm.word" .Values.deviceCACertName }}
DEVICE_CA_KEY_NAME={{ include "iot-edge-vm.word" .Values.deviceCAKeyName }}
{{ end }}

{{/* The guest's own instructions. They are built as data, so no value can end a string of theirs. */}}
{{- define "iot-edge-vm.userData" -}}
{{- $data := dict "hostname" .Values.hostname "manage_etc_hosts" "localhost" -}}
{{- with trim .Values.publicSshKey -}}
{{- $_ := set $data "ssh_authorized_keys" (list .) -}}
{{- end -}}
{{- $files := list
  (dict "path" "/etc/iot-edge-vm/settings" "permissions" "0644" "content" (include "iot-edge-vm.settings" .))
  (dict "path" "/usr/local/sbin/iot-edge-vm-install" "permissions" "0755" "content" (.Files.Get "files/iot-edge-vm-install"))
  (dict "path" "/usr/local/sbin/iot-edge-vm-configure" "permissions" "0755" "content" (.Files.Get "files/iot-edge-vm-configure"))
  (dict "path" "/etc/systemd/system/iot-edge-vm.service" "permissions" "0644" "content" (.Files.Get "files/iot-edge-vm.service"))
-}}
{{- $_ := set $data "write_files" $files -}}
{{- $_ := set $data "runcmd" (list
  (list "systemctl" "daemon-reload")
  (list "systemctl" "enable" "--now" "--no-block" "iot-edge-vm.service")) -}}
#cloud-config
{{ toYaml $data }}
{{ end }}

{{/* By the card's name, not by its MAC address, which may be another after a restart. */}}
{{- define "iot-edge-vm.networkData" -}}
version: 2
ethernets:
  primary:
    match:
      name: "en*"
    dhcp4: true
    dhcp-identifier: mac
{{ end }}

{{/* The spec of the DataVolume, which stands alone or in the VM. */}}
{{- define "iot-edge-vm.disk" -}}
source:
  {{- if hasPrefix "docker://" .Values.image.url }}
  registry:
    url: {{ .Values.image.url | quote }}
  {{- else }}
  http:
    url: {{ .Values.image.url | quote }}
    {{- with .Values.image.checksum }}
    checksum: {{ . | quote }}
    {{- end }}
  {{- end }}
storage:
  accessModes: {{- toYaml .Values.disk.accessModes | nindent 4 }}
  {{- with .Values.disk.volumeMode }}
  volumeMode: {{ . }}
  {{- end }}
  {{- with .Values.disk.storageClassName }}
  storageClassName: {{ . | quote }}
  {{- end }}
  resources:
    requests:
      storage: {{ .Values.aziotEdgeVmDiskSize }}
{{- end }}
