{{/* What the schema can't say, or would say with a credential in the message. It renders nothing. */}}
{{- define "iot-edge-vm.check" -}}
{{- $v := .Values -}}
{{- if $v.existingConfigSecret -}}
{{- range $name := list "azIotEdgeConfig" "rootCA" "deviceCACert" "deviceCAKey" -}}
{{- if trim (get $v $name) -}}
{{- fail (printf "%s: with existingConfigSecret it stays empty, since the Secret has it" $name) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- if not (trim $v.azIotEdgeConfig) -}}
{{- fail "azIotEdgeConfig is empty: IoT Edge can't start without its configuration. Pass the file with --set-file azIotEdgeConfig=config.toml (examples/config.toml is one), or name a Secret that has it in existingConfigSecret" -}}
{{- end -}}
{{- $config := fromToml $v.azIotEdgeConfig -}}
{{- if hasKey $config "Error" -}}
{{- fail (printf "azIotEdgeConfig is no TOML: %s" (get $config "Error" | toString | trunc 200)) -}}
{{- end -}}
{{- if not (kindIs "map" (get $config "provisioning")) -}}
{{- fail "azIotEdgeConfig has no [provisioning]: IoT Edge would not know which device it is" -}}
{{- end -}}
{{- with regexFind "<YOUR_[A-Z_]+>" (toRawJson $config) -}}
{{- fail (printf "azIotEdgeConfig still has the placeholder %s" .) -}}
{{- end -}}
{{- range $name := list "rootCA" "deviceCACert" -}}
{{- $text := get $v $name -}}
{{- if and (trim $text) (not (regexMatch "-----BEGIN CERTIFICATE-----\\s[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----" $text)) -}}
{{- fail (printf "%s holds no PEM certificate; pass the file's content with --set-file %s=FILE" $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and (trim $v.deviceCAKey) (not (regexMatch "-----BEGIN ((RSA|EC|ENCRYPTED) )?PRIVATE KEY-----\\s[A-Za-z0-9+/=\\s:,-]+-----END ((RSA|EC|ENCRYPTED) )?PRIVATE KEY-----" $v.deviceCAKey)) -}}
{{- fail "deviceCAKey holds no PEM private key; pass the file's content with --set-file deviceCAKey=FILE" -}}
{{- end -}}
{{- if ne (empty (trim $v.deviceCACert)) (empty (trim $v.deviceCAKey)) -}}
{{- fail "deviceCACert and deviceCAKey belong together: one of them is empty" -}}
{{- end -}}
{{- end -}}
{{- $files := list $v.rootCAName $v.deviceCACertName $v.deviceCAKeyName -}}
{{- if ne (len (uniq $files)) 3 -}}
{{- fail "rootCAName, deviceCACertName and deviceCAKeyName must differ: they are files of one directory" -}}
{{- end -}}
{{- if and (eq $v.network.binding "bridge") (eq (lower $v.macAddress) "fe:7e:48:a0:7d:22") -}}
{{- fail "macAddress is the chart's default, which every other VM of this chart has too: with network.binding=bridge they would meet on one network. Set another, or an empty one" -}}
{{- end -}}
{{- if and $v.image.checksum (hasPrefix "docker://" $v.image.url) -}}
{{- fail "image.checksum is for http(s); pin a docker:// image by its digest: docker://quay.io/containerdisks/ubuntu@sha256:..." -}}
{{- end -}}
{{- if and (gt (len $v.disk.accessModes) 1) (has "ReadWriteOncePod" $v.disk.accessModes) -}}
{{- fail "disk.accessModes: ReadWriteOncePod stands alone" -}}
{{- end -}}
{{- $name := include "iot-edge-vm.name" . -}}
{{- if and (not (regexMatch "^[a-z]" $name)) (or (include "iot-edge-vm.hasSsh" .) $v.metrics.service) -}}
{{- fail (printf "nameOverride: the name of a Service begins with a letter, and %q does not" $name) -}}
{{- end -}}
{{- $ports := list -}}
{{- range $port := list $v.metrics.nodeExporterPort $v.metrics.edgeAgentPort $v.metrics.edgeHubPort -}}
{{- if $port -}}
{{- if has (int $port) $ports -}}
{{- fail (printf "metrics: port %d is there twice" (int $port)) -}}
{{- end -}}
{{- $ports = append $ports (int $port) -}}
{{- end -}}
{{- end -}}
{{- end }}
