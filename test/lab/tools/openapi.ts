/** The part of JSON Schema that the OpenAPI texts of Kubernetes use. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Returns the schema of each kind, by the file name that kubeconform expects. */
export function kindSchemas(swagger: unknown): Map<string, JsonSchema> {
  const { definitions } = swagger as { readonly definitions: Readonly<Record<string, JsonSchema>> };
  const closed = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, closeSchema(schema)]),
  );
  const found = new Map<string, JsonSchema>();
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = schema['x-kubernetes-group-version-kind'] ?? [];
    // Definitions without a kind are parts of objects. Kinds of several groups, such as DeleteOptions, occur in no manifest.
    if (kinds.length !== 1) continue;
    const needed = reachable(name, closed);
    const text = { $ref: `#/definitions/${name}`, definitions: needed };
    for (const kind of kinds) found.set(fileName(kind), text);
  }
  return found;
}

function fileName({ group, version, kind }: GroupVersionKind): string {
  const [first = ''] = group.split('.', 1);
  return [kind.toLowerCase(), ...(first === '' ? [] : [first]), version].join('-');
}

/** Returns the definition and all definitions that it refers to, directly or indirectly. */
function reachable(name: string, all: Readonly<Record<string, JsonSchema>>): Record<string, JsonSchema> {
  const found: Record<string, JsonSchema> = {};
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const schema = all[next];
    if (found[next] || !schema) continue;
    found[next] = schema;
    for (const [, ref = ''] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) open.push(ref);
  }
  return found;
}

/** Makes a schema reject unknown fields. Allows numbers and texts for quantities and for the format int-or-string. */
export function closeSchema(schema: JsonSchema): JsonSchema {
  if (isNumberOrText(schema)) return { type: ['string', 'integer', 'number'] };
  const { properties, items, additionalProperties } = schema;
  const isOpen =
    schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties !== undefined;
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, closeSchema(property)]),
      ),
    }),
    ...(items && { items: closeSchema(items) }),
    ...(typeof additionalProperties === 'object' && {
      additionalProperties: closeSchema(additionalProperties),
    }),
    ...(properties && !isOpen && { additionalProperties: false }),
  };
}

function isNumberOrText(schema: JsonSchema): boolean {
  const description = (schema as { readonly description?: string }).description ?? '';
  const isQuantity = schema.type === 'string' && description.startsWith('Quantity is a fixed-point');
  return schema.format === 'int-or-string' || isQuantity || 'x-kubernetes-int-or-string' in schema;
}
