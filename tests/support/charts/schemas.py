"""Strict schemas of Kubernetes objects, without a cluster.

Kubernetes' own come with the package kubernetes-validate: JSON schemas in which an unknown field is an error. Those of
KubeVirt and CDI are what a real API server published (`/openapi/v3/apis/kubevirt.io/v1`), in which an unknown field is
not an error but, as the API server does with it, dropped; `strict` makes it one.

    schemas.py FILE KIND...    prints of such a publication what the kinds need, without descriptions
"""

import functools
import json
import sys
from pathlib import Path

import jsonschema
import referencing
import referencing.jsonschema
from kubernetes_validate import utils as kubernetes

PUBLISHED = Path(__file__).resolve().parents[2] / "fixtures" / "schemas"
REF = "#/components/schemas/"


def references(schema):
    """The names of the schemas that one names."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(REF)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def bare(schema, is_schema=True):
    """Without descriptions; a property of that name stays."""
    if isinstance(schema, dict):
        kept = {k: v for k, v in schema.items() if not (is_schema and k == "description" and isinstance(v, str))}
        return {k: bare(v, k not in ("properties", "patternProperties")) for k, v in kept.items()}
    if isinstance(schema, list):
        return [bare(item) for item in schema]
    return schema


def pruned(published, kinds):
    """Of a publication what these kinds need."""
    schemas = published["components"]["schemas"]
    wanted = {}

    def take(name):
        if name not in wanted:
            wanted[name] = bare(schemas[name])
            for other in references(schemas[name]):
                take(other)

    for kind in kinds:
        take(next(name for name, schema in schemas.items() if kind == kind_of(schema)))
    return {"openapi": published["openapi"], "components": {"schemas": dict(sorted(wanted.items()))}}


def kind_of(schema):
    """The kind that a schema is of, where it is of one alone."""
    kinds = schema.get("x-kubernetes-group-version-kind") or []
    return kinds[0]["kind"] if len(kinds) == 1 else None


def strict(schema):
    """The same, in which an unknown field is an error, as a JSON schema (OpenAPI 3.0 spells some words otherwise)."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            result[key] = {name: strict(inner) for name, inner in value.items()}
        elif key in ("default", "enum", "required", "x-kubernetes-validations"):
            result[key] = value
        else:
            result[key] = strict(value)
    free = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if "properties" in schema and not free:
        result["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if schema.get("nullable") and "type" in result:
        result["type"] = [result["type"], "null"]
    return result


@functools.cache
def of_kubernetes(version):
    directory = f"kubernetes-json-schema/v{version}-local-strict"
    definitions = kubernetes.schema_contents(f"{directory}/_definitions.json", version)
    resource = referencing.Resource.from_contents(definitions)
    return directory, referencing.Registry().with_resource("_definitions.json", resource)


@functools.cache
def kubernetes_validator(version, api_version, kind):
    """Kubernetes' own, or none where it has no such kind."""
    group, _, rest = api_version.rpartition("/")
    suffix = f"{group.split('.')[0]}-{rest}" if group else rest
    directory, registry = of_kubernetes(version)
    try:
        schema = kubernetes.schema_contents(f"{directory}/{kind.lower()}-{suffix}.json", version)
    except FileNotFoundError:
        return None
    registry = registry.with_resource("", referencing.Resource.from_contents(schema))
    return jsonschema.Draft202012Validator(schema, registry=registry)


@functools.cache
def published_validator(api_version, kind):
    """That of KubeVirt or CDI, or none."""
    path = PUBLISHED / (api_version.replace("/", "-") + ".json")
    if not path.exists():
        return None
    published = json.loads(path.read_text())
    schemas = published["components"]["schemas"]
    name = next((name for name, schema in schemas.items() if kind_of(schema) == kind), None)
    if name is None:
        return None
    all_strict = {name: strict(schema) for name, schema in schemas.items()}
    root = {"components": {"schemas": all_strict}, "$ref": REF + name}
    resource = referencing.Resource.from_contents(root, referencing.jsonschema.DRAFT202012)
    return jsonschema.Draft202012Validator(root, registry=referencing.Registry().with_resource("", resource))


def faults(item, version):
    """What is wrong with an object, a line each. Those of prometheus-operator and Flux are looked at elsewhere."""
    api_version, kind = item.get("apiVersion"), item.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return ["it has no apiVersion or no kind"]
    group = api_version.rpartition("/")[0]
    if group == "monitoring.coreos.com" or group.endswith(".toolkit.fluxcd.io"):
        return []
    validator = kubernetes_validator(version, api_version, kind) or published_validator(api_version, kind)
    if validator is None:
        return [f"no schema says what a {kind} of {api_version} is"]
    errors = sorted(validator.iter_errors(item), key=lambda error: list(map(str, error.absolute_path)))
    return [f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors]


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(json.dumps(pruned(json.load(file), sys.argv[2:]), indent=1, sort_keys=True))
