import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { downloadModule, goRemedy } from '../tools/go.js';
import { closeSchema, kindSchemas, type JsonSchema } from './openapi.js';
import { certManagerRelease, releases } from './releases.js';
import type { Tool } from './tool.js';

/** JSON schemas of every kind of each release and of cert-manager, from the OpenAPI texts in their Go modules. */
export const schemas: Tool = {
  name: 'schemas',
  version: [...releases, certManagerRelease].join('-'),
  files: [...releases, 'cert-manager', 'crds'],
  checks: 'the manifests against the schemas of Kubernetes',
  remedy: goRemedy,
  install: async (workshop) => {
    for (const release of releases) {
      const module = await downloadModule(workshop, { module: 'k8s.io/kubernetes', version: release });
      const swagger: unknown = JSON.parse(
        readFileSync(path.join(module, 'api/openapi-spec/swagger.json'), 'utf8'),
      );
      writeSchemas(path.join(workshop.target, release), kindSchemas(swagger));
    }
    const module = await downloadModule(workshop, {
      module: 'github.com/cert-manager/cert-manager',
      version: certManagerRelease,
    });
    const crds = path.join(module, 'deploy/crds');
    const texts = readdirSync(crds).filter((name) => name.startsWith('cert-manager.io_'));
    mkdirSync(path.join(workshop.target, 'crds'));
    for (const name of texts) {
      const text = readFileSync(path.join(crds, name), 'utf8');
      writeFileSync(path.join(workshop.target, 'crds', name), text);
      writeSchemas(path.join(workshop.target, 'cert-manager'), definitionSchemas(parse(text)));
    }
  },
};

function writeSchemas(folder: string, found: ReadonlyMap<string, JsonSchema>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, schema] of found)
    writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(schema));
}

interface CustomResourceDefinition {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: JsonSchema };
    }[];
  };
}

function definitionSchemas(text: unknown): Map<string, JsonSchema> {
  const { names, versions } = (text as CustomResourceDefinition).spec;
  const kind = names.kind.toLowerCase();
  return new Map(
    versions.map(({ name, schema }) => [`${kind}-cert-manager-${name}`, closeSchema(schema.openAPIV3Schema)]),
  );
}
