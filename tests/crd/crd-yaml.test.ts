/**
 * The CRDs by the rules of structural schemas, as the API server checks them when a CRD is applied.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { crdName, crdYaml } from '../../src/crd/crd-yaml.ts';
import { kindNames } from '../../src/crd/kinds.ts';

type Schema = Record<string, unknown>;

const known = new Set(
  `type description default enum pattern minLength maxLength minItems maxItems minimum maximum
  required properties items additionalProperties x-kubernetes-validations x-kubernetes-list-type
  x-kubernetes-list-map-keys x-kubernetes-int-or-string`.split(/\s+/),
);

function children(schema: Schema): [string, Schema][] {
  const { properties = {}, items, additionalProperties } = schema;
  return [
    ...Object.entries(properties as Record<string, Schema>),
    ...(items ? [['[]', items] as [string, Schema]] : []),
    ...(additionalProperties ? [['{}', additionalProperties] as [string, Schema]] : []),
  ];
}

function checkStructural(schema: Schema, path: string): void {
  for (const keyword of Object.keys(schema)) assert(known.has(keyword), `${path}: ${keyword}`);
  assert(
    schema['x-kubernetes-int-or-string'] === true || typeof schema.type === 'string',
    `${path}: no type`,
  );
  assert(!(schema.properties && schema.additionalProperties), `${path}: both kinds of fields`);
  for (const name of (schema.required as string[] | undefined) ?? []) {
    assert(Object.hasOwn(schema.properties as object, name), `${path}: requires ${name}`);
  }
  if (schema['x-kubernetes-list-type'] === 'map') {
    const items = schema.items as { required?: string[] };
    for (const key of schema['x-kubernetes-list-map-keys'] as string[]) {
      assert(items.required?.includes(key), `${path}: key ${key} is not required`);
    }
  }
  if (typeof schema.pattern === 'string') {
    assert.doesNotMatch(schema.pattern, /\(\?[=!<]/, `${path}: RE2 has no lookaround`);
    new RegExp(schema.pattern);
    for (const [, count] of schema.pattern.matchAll(/[{,](\d+)(?=[,}])/g)) {
      assert(Number(count) <= 1000, `${path}: RE2 counts to 1000`);
    }
  }
  for (const [name, child] of children(schema)) checkStructural(child, `${path}.${name}`);
}

for (const kind of kindNames) {
  const crd = parse(crdYaml(kind));
  const [version] = crd.spec.versions;
  const schema: Schema = version.schema.openAPIV3Schema;

  test(`${kind}: the schema is structural`, () => {
    checkStructural(schema, '');
    assert.equal(crd.metadata.name, crdName(kind));
    assert.equal(crd.metadata.name, `${crd.spec.names.plural}.${crd.spec.group}`);
    assert.deepEqual(version.subresources, { status: {} });
  });

  test(`${kind}: every field of the spec has a description, and its text has no anchors`, () => {
    const check = (node: Schema, path: string) => {
      for (const [name, child] of children(node)) {
        if (name !== '[]' && name !== '{}') assert(child.description, `${path}.${name}`);
        check(child, `${path}.${name}`);
      }
    };
    check((schema.properties as Record<string, Schema>).spec ?? {}, 'spec');
    assert.doesNotMatch(crdYaml(kind), /: [&*]a\d|- [&*]a\d/);
  });

  test(`${kind}: printer columns point at fields that exist`, () => {
    for (const { jsonPath } of version.additionalPrinterColumns) {
      if (jsonPath.startsWith('.metadata.')) continue;
      let node: Schema | undefined = schema;
      for (const step of jsonPath.slice(1).split(/\.(?![^(]*\))/)) {
        const name: string = step.replace(/\[.*$/, '');
        node = (node?.properties as Record<string, Schema> | undefined)?.[name];
        if (step.includes('[')) node = node?.items as Schema | undefined;
        assert(node, `${jsonPath} at ${name}`);
      }
    }
  });
}

test('immutable fields are so in the CRD, and only those', () => {
  const { spec } = parse(crdYaml('BenchCluster')).spec.versions[0].schema.openAPIV3Schema
    .properties;
  const rules = (node: Schema) =>
    ((node['x-kubernetes-validations'] ?? []) as { rule: string }[]).map(({ rule }) => rule);
  const { network, scheduler, workers, image } = spec.properties;
  assert.deepEqual(rules(network.properties.name), ['self == oldSelf']);
  assert(rules(network).includes('has(self.managed) == has(oldSelf.managed)'));
  // The configuration of Slurm is live, so what is around it is not fixed.
  assert.deepEqual(rules(scheduler), []);
  assert.deepEqual(rules(image), []);
  assert.deepEqual(rules(workers.items.properties.name), ["self != 'head'"]);
});
