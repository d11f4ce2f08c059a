import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { downloadModule, goRemedy } from './go.js';
import type { Source } from './install.js';
import { closeSchema, kindSchemas, type JsonSchema } from './openapi.js';

/**
 * Writes JSON schemas of the kinds of each Kubernetes release and of cert-manager. The Go modules of Kubernetes and cert-manager
 * contain the OpenAPI descriptions of these kinds.
 */
export function schemas(releases: readonly string[], certManager: string): Source {
  return {
    files: [...releases, 'cert-manager', 'crds'],
    remedy: goRemedy,
    install: async (context) => {
      for (const release of releases) {
        const module = await downloadModule(context, `k8s.io/kubernetes@${release}`);
        const text = readFileSync(path.join(module, 'api/openapi-spec/swagger.json'), 'utf8');
        writeSchemas(path.join(context.target, release), kindSchemas(JSON.parse(text)));
      }
      const module = await downloadModule(context, `github.com/cert-manager/cert-manager@${certManager}`);
      const folder = path.join(module, 'deploy/crds');
      mkdirSync(path.join(context.target, 'crds'));
      for (const name of readdirSync(folder).filter((one) => one.startsWith('cert-manager.io_'))) {
        const text = readFileSync(path.join(folder, name), 'utf8');
        writeFileSync(path.join(context.target, 'crds', name), text);
        writeSchemas(path.join(context.target, 'cert-manager'), definitionSchemas(parse(text)));
      }
    },
  };
}

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
