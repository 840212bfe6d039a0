{{/* Names, labels, the image. */}}

{{- define "edgebench.name" -}}
{{- .Values.nameOverride | default "edgebench-exporter" -}}
{{- end -}}

{{/* At most 63 characters: it is the name of a Service. */}}
{{- define "edgebench.fullname" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $name = .Release.Name -}}
{{- if not (contains .Chart.Name .Release.Name) -}}
{{- $name = printf "%s-%s" .Release.Name .Chart.Name -}}
{{- end -}}
{{- end -}}
{{- $name = $name | trunc 63 | trimSuffix "-" | trimSuffix "." -}}
{{- if and .Values.service.enabled (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name)) -}}
{{- fail (printf "%q can't be the name of a Service (a-z, 0-9 and -, a letter first): set fullnameOverride, or service.enabled=false" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Of what has no namespace: two releases of one name must not share it. */}}
{{- define "edgebench.clusterName" -}}
{{- printf "%s-%s" (include "edgebench.namespace" .) (include "edgebench.fullname" .) -}}
{{- end -}}

{{- define "edgebench.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "edgebench.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "edgebench.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "edgebench.selectorLabels" -}}
app.kubernetes.io/name: {{ include "edgebench.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of an object: (list $ further…). The first one that has a label wins, and the chart's own come first. */}}
{{- define "edgebench.labels" -}}
{{- $root := first . -}}
{{- $labels := include "edgebench.selectorLabels" $root | fromYaml -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") -}}
{{- $_ := set $labels "app.kubernetes.io/version" ($root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | trimSuffix "-" | trimSuffix "." | trimSuffix "_") -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" "edgebench" -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- range rest . -}}
{{- $labels = merge $labels . -}}
{{- end -}}
{{- merge $labels $root.Values.commonLabels | toYaml -}}
{{- end -}}

{{/* Name, namespace and labels of an object: (list $ name further-labels…). */}}
{{- define "edgebench.metadata" -}}
{{- $root := first . -}}
name: {{ index . 1 | quote }}
namespace: {{ include "edgebench.namespace" $root | quote }}
labels:
  {{- include "edgebench.labels" (concat (list $root) (slice . 2)) | nindent 2 }}
{{- end -}}

{{- define "edgebench.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry -}}
{{- $image := .Values.image.repository -}}
{{- if $registry -}}
{{- $image = printf "%s/%s" (trimSuffix "/" $registry) $image -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $image .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "edgebench.kubeVersion" -}}
{{- .Values.kubeTargetVersionOverride | default .Capabilities.KubeVersion.Version -}}
{{- end -}}
