"""Renders charts with Helm's own engine: a list of requests on stdin, a list of answers on stdout, both JSON.

A request:
    chart      the chart's directory
    name       of the release; namespace; both have a default
    values     texts of values files, in the order of `-f`
    set        expressions of `--set`, after them
    packaged   true: the chart is packed into an archive first, and rendered from that
    kube_version  of Kubernetes in place of the newest (1.29.0)

An answer:
    error      why nothing was rendered: the schema's refusal, a template that failed; else null
    lint       what `helm lint --strict` finds, but for its hints
    objects    [{"template", "object"}] of all templates but NOTES.txt
    notes      what NOTES.txt became
    faults     what Kubernetes' schemas find in the objects, a line each. They are rendered for the oldest release that
               the chart's kubeVersion allows, and for the newest, and held against the schemas of that release
    files      {"name": text} of the chart's files beside its templates, where asked for with "files": true

What Helm does on the command line with `-f` and `--set` is done here: later values win, maps are merged, null removes.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

import helm_python as helm
import yaml

import schemas

NEWEST = schemas.kubernetes.latest_version()
# Helm's severities of lint: 1 is a hint, such as that an icon is recommended.
WARNING = 2


class Strict(yaml.CSafeLoader):
    """YAML as kubectl and Helm read it: a key that comes twice is an error, and 1e3, which has no point, is a number."""


def mapping(loader, node):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {str(key) for key in keys if keys.count(key) > 1}
    if twice:
        raise yaml.YAMLError(f"line {node.start_mark.line + 1}: twice the same key: {', '.join(sorted(twice))}")
    return yaml.CSafeLoader.construct_mapping(loader, node, deep=True)


FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
Strict.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))
Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def merged(base, over):
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return base | {key: merged(base.get(key), value) for key, value in over.items()}


def values(request):
    result = {}
    for text in request.get("values", []):
        result = merged(result, helm.values_from_yaml(text))
    for expression in request.get("set", []):
        result = merged(result, helm.parse_set_string(expression))
    return result


def oldest(chart):
    """The oldest release of Kubernetes that the chart allows and that there are schemas of."""
    wanted = re.match(r">=\s*(1\.\d+)", chart.metadata.get("kubeVersion", ""))
    if wanted is None:
        return NEWEST
    known = {schemas.kubernetes.major_minor(version): version for version in schemas.kubernetes.all_versions()}
    return known.get(wanted[1], NEWEST)


def name_of(item):
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return f"{item.get('kind')} {(metadata or {}).get('name')}" if isinstance(item, dict) else repr(item)[:40]


def template(chart, request, given, version):
    """`helm template --kube-version`, which the package's `render` has no argument for, though the engine has."""
    options = {
        "name": request.get("name", "edge"),
        "namespace": request.get("namespace", "monitoring"),
        "kube_version": f"v{version}",
    }
    texts = helm._native.call_string("helm_render", chart._raw(), json.dumps(given), json.dumps(options))
    return sorted(json.loads(texts).items())


def objects(texts, answer, version):
    """The objects in the texts; their faults go to the answer."""
    result = []
    for name, text in texts:
        if name.endswith("/NOTES.txt"):
            answer["notes"] = text
            continue
        try:
            items = [item for item in yaml.load_all(text, Loader=Strict) if item is not None]
        except yaml.YAMLError as error:
            answer["faults"].append(f"{name}: {error}")
            continue
        for item in items:
            result.append({"template": name.split("/", 1)[1], "object": item})
            found = schemas.faults(item, version) if isinstance(item, dict) else ["it is no object"]
            answer["faults"] += [f"{name}: {name_of(item)} (Kubernetes {version}): {fault}" for fault in found]
    return result


def rendered(path, request, given):
    answer = {"faults": [], "notes": None}
    with helm.Chart.load(path) as chart:
        for version in dict.fromkeys([oldest(chart), request.get("kube_version") or NEWEST]):
            answer["objects"] = objects(template(chart, request, given, version), answer, version)
        if request.get("files"):
            answer["files"] = {file["name"]: file["data"] for file in chart.files}
    return answer


def answered(request):
    answer = {"error": None, "lint": [], "objects": [], "notes": None, "faults": []}
    with tempfile.TemporaryDirectory() as directory:
        try:
            given = values(request)
            path = request["chart"]
            if request.get("packaged"):
                path = helm.package(path, destination=directory)
            else:
                namespace = request.get("namespace", "monitoring")
                report = helm.lint(path, given, strict=True, namespace=namespace, kube_version=f"v{NEWEST}")
                answer["lint"] = [
                    f"{message['path']}: {message['error']}"
                    for message in report["messages"]
                    if message["severity"] >= WARNING
                ]
            answer |= rendered(path, request, given)
        except helm.HelmError as error:
            answer["error"] = f"{type(error).__name__}: {error}"
    return answer


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    json.dump([answered(request) for request in json.load(sys.stdin)], sys.stdout)
