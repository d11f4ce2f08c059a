import { defineConfig } from 'oxlint';

/** Layers of packages. A package may import packages of earlier layers, but no package of its own layer. */
const layers = [
  ['errors'],
  ['config', 'money'],
  ['runtime'],
  ['observability'],
  ['postgres'],
  ['rpc'],
  ['order', 'inventory', 'payment', 'catalog'],
  ['service'],
];

/** Packages of earlier layers that a package must not import. */
const exclusions: Readonly<Record<string, readonly string[]>> = { rpc: ['postgres'] };

/** Paths inside grpc-js are private; see docs/adr/0011-grpc-js-internals.md. */
const grpcJsInternals = {
  group: ['@grpc/grpc-js/*', '@grpc/grpc-js/**'],
  message: 'Only pkg/observability/grpc-js-internals.ts imports files of grpc-js.',
};

/** Libraries that only the owning packages may import. */
const owners = [
  { library: 'pg', packages: ['postgres'], message: 'Only pkg/postgres imports the driver.' },
  {
    library: '@grpc/grpc-js',
    packages: ['rpc', 'observability'],
    message:
      'Only pkg/rpc, pkg/observability, and the files grpc*.ts and clients of a domain import grpc-js.',
  },
];

/** Layers inside a domain: `files` must not import the modules in `above`. */
const domainLayers = [
  {
    files: ['domain.ts'],
    above: ['./store.js', './*-store.js', './service.js', './*-service.js', './grpc*.js'],
  },
  {
    files: ['store.ts', '*-store.ts', '*-queries.ts'],
    above: ['./service.js', './*-service.js', './grpc*.js'],
  },
  { files: ['service.ts', '*-service.ts'], above: ['./grpc*.js'] },
];

/** Files of a domain that translate between protobuf messages and domain types. */
const wireFiles = [
  { files: ['grpc*.ts', 'clients.ts'], up: '../' },
  { files: ['clients/*.ts'], up: '../../' },
];

const isDomain = (name: string): boolean => layers.at(-2)?.includes(name) === true;
const packages = layers.flat();

function importsOf(name: string): string[] {
  const layer = layers.findIndex((names) => names.includes(name));
  return layers
    .slice(0, layer)
    .flat()
    .filter((other) => !exclusions[name]?.includes(other));
}

interface Boundary {
  readonly files: string[];
  /** Path from a file to `pkg`. */
  readonly up: string;
  readonly name: string;
  readonly isWire: boolean;
  /** Modules of the same package that the files must not import. */
  readonly above?: readonly string[];
}

function boundary({ files, up, name, isWire, above = [] }: Boundary) {
  const allowed = importsOf(name).map((other) => `!${up}${other}/index.js`);
  const wire = isWire ? [`!${up}pb/**`] : [];
  const message = `pkg/${name} may import only the index.js of these packages: ${importsOf(name).join(', ') || 'none'}.${isWire ? ' These files may also import pkg/pb.' : ''}`;
  const inward =
    above.length === 0
      ? []
      : [
          {
            group: [...above],
            message:
              'Layers of a domain, lowest first: domain, store, service, grpc. A file must not import a higher layer.',
          },
        ];
  const paths = owners
    .filter(({ packages: owned }) => !owned.includes(name) && !isWire)
    .map(({ library, message: why }) => ({ name: library, message: why }));
  return {
    files,
    rules: {
      'no-restricted-imports': [
        'error' as const,
        {
          paths,
          patterns: [{ group: [`${up}**`, ...allowed, ...wire], message }, ...inward, grpcJsInternals],
        },
      ],
    },
  };
}

const boundaries = packages.flatMap((name) => [
  boundary({ name, files: [`pkg/${name}/*.ts`], up: '../', isWire: name === 'rpc' }),
  boundary({ name, files: [`pkg/${name}/*/*.ts`], up: '../../', isWire: name === 'rpc' }),
]);

const wireBoundaries = packages
  .filter(isDomain)
  .flatMap((name) =>
    wireFiles.map(({ files, up }) =>
      boundary({ name, files: files.map((file) => `pkg/${name}/${file}`), up, isWire: true }),
    ),
  );

const domainBoundaries = packages
  .filter(isDomain)
  .flatMap((name) =>
    domainLayers.map(({ files, above }) =>
      boundary({ name, files: files.map((file) => `pkg/${name}/${file}`), up: '../', isWire: false, above }),
    ),
  );

/** Modules that processes and tools must not import. A `!` marks an entry point of `pkg`, which they may import. */
const entryPoints = [
  'pkg/**/*',
  '!pkg/*/index.js',
  '!pkg/pb/**',
  '!pkg/observability/register.js',
  '!pkg/postgres/embedded/index.js',
];
const processesAndTools = {
  files: ['cmd/**', 'scripts/**', 'bench/**'],
  rules: {
    'no-restricted-imports': [
      'error' as const,
      {
        paths: [{ name: 'pg', message: 'Only pkg/postgres imports the driver.' }],
        patterns: [
          {
            group: entryPoints.map((pattern) => pattern.replace(/^(!?)/, '$1**/')),
            message: 'Import the index.js of the package.',
          },
          { group: ['**/test/**'], message: 'Processes and tools do not import tests or the lab.' },
        ],
      },
    ],
  },
};

const tests = {
  files: ['test/**', '**/*.test.ts', '**/testing/**'],
  rules: {
    'no-restricted-imports': 'off' as const,
    'node/no-process-env': 'off' as const,
    'typescript/no-unsafe-argument': 'off' as const,
    'no-unused-expressions': 'off' as const,
  },
};

/** A `describe` is one function that contains all its test cases, so its length has no limit. */
const testFiles = { files: ['**/*.test.ts'], rules: { 'max-lines-per-function': 'off' as const } };

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  ignorePatterns: ['pkg/pb/**', 'dist/**', 'coverage/**'],
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    'import/no-cycle': 'error',
    'node/no-process-env': 'error',
    'no-console': 'error',
    'import/no-unassigned-import': ['error', { allow: ['reflect-metadata'] }],
    'max-lines': ['error', { max: 500 }],
    'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
    'max-params': ['error', { max: 4 }],
    // The rule forbids assertions to narrower types. Code that reads a wire format or a JSON column needs such assertions.
    'typescript/no-unsafe-type-assertion': 'off',
    // The rule forbids numbers in enum fields. Enum fields of requests arrive as plain numbers. The parsers of requests reject
    // unknown values.
    'typescript/no-unsafe-enum-assignment': 'off',
    'import/no-named-as-default-member': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'promise/always-return': 'off',
    // The rule forbids `await` in loops. Retries, batches and saga steps must run in sequence.
    'no-await-in-loop': 'off',
    // The rule demands a return after an exhaustive switch. The compiler checks that a switch is exhaustive.
    'typescript/consistent-return': 'off',
    // The rule forbids using a method without its object. Most functions of objects here do not use `this`. The methods of classes
    // read private fields, so a method that is called without its object throws immediately.
    'typescript/unbound-method': 'off',
    // The rule reports assertions to type parameters, but the compiler needs these assertions.
    'typescript/no-unnecessary-type-assertion': 'off',
    'no-underscore-dangle': 'off',
    'no-unmodified-loop-condition': 'off',
  },
  overrides: [
    ...boundaries,
    ...wireBoundaries,
    ...domainBoundaries,
    processesAndTools,
    { files: ['pkg/config/environment.ts'], rules: { 'node/no-process-env': 'off' } },
    tests,
    testFiles,
  ],
});
