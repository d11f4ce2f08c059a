import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InstallError } from './run-command.js';
import type { Source, InstallContext } from './install.js';

export const goRemedy = 'Go (https://go.dev/dl) and its module proxy';

const queryMs = 20_000;
const copyMs = 60_000;
const downloadMs = 300_000;
const buildMs = 1_500_000;
const env = { GOWORK: 'off', GOFLAGS: '-buildvcs=false' };
const ownPrograms = fileURLToPath(new URL('go', import.meta.url));

interface Build {
  /** Path of each program's main package, by the name of the program. */
  readonly programs: Readonly<Record<string, string>>;
  readonly tags?: string;
  /** Go variable that the linker sets to the version. */
  readonly versionVariable?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface ModuleBuild extends Build {
  readonly module: string;
  /** Arguments of `go mod edit`, which runs before the build. */
  readonly edit?: readonly string[];
}

/** Builds programs in a copy of their module, because `go install` rejects a module with replace directives. */
export function goModule(build: ModuleBuild): Source {
  return {
    files: Object.keys(build.programs),
    remedy: goRemedy,
    install: async (context) => {
      const source = path.join(context.scratch, 'source');
      const folder = await downloadModule(context, `${build.module}@${context.version}`);
      const copy = { limitMs: copyMs, otherwise: 'the module cannot be copied' };
      await context.run({ program: 'cp', args: ['-R', folder, source], ...copy });
      await context.run({ program: 'chmod', args: ['-R', 'u+w', source], ...copy });
      if (build.edit) await context.run({ ...go(['mod', 'edit', ...build.edit], queryMs), cwd: source });
      await buildPrograms(context, source, build);
    },
  };
}

interface OwnBuild extends Build {
  /** Module that the main packages import. */
  readonly module?: string;
}

/** Builds programs whose main packages are in the folder `go`. The import path of a main package is `tools/<folder>`. */
export function ownGoProgram(build: OwnBuild): Source {
  return {
    files: Object.keys(build.programs),
    remedy: goRemedy,
    install: (context) => buildInOwnModule(context, build, []),
  };
}

/** Builds programs of Kubernetes. Replaces the local folders in the go.mod of Kubernetes with published modules. */
export function kubernetesPrograms(...names: readonly string[]): Source {
  const module = 'k8s.io/kubernetes';
  const programs = Object.fromEntries(names.map((name) => [name, `${module}/cmd/${name}`]));
  return {
    files: names,
    remedy: goRemedy,
    install: async (context) => {
      const { version } = context;
      const folder = await downloadModule(context, `${module}@${version}`);
      const text = readFileSync(path.join(folder, 'go.mod'), 'utf8');
      const replaces = [...text.matchAll(/^\s+(k8s\.io\/[a-z-]+) => \.\//gm)].map(([, name = '']) => {
        // No program needs the sample modules, so any published version of them is enough.
        const library = name.startsWith('k8s.io/sample-') ? 'v0.36.4' : version.replace(/^v1/, 'v0');
        return `replace ${name} => ${name} ${library}`;
      });
      const versionVariable = 'k8s.io/component-base/version.gitVersion';
      await buildInOwnModule(context, { module, programs, versionVariable }, replaces);
    },
  };
}

async function buildInOwnModule(
  context: InstallContext,
  { module, ...build }: OwnBuild,
  replaces: readonly string[],
): Promise<void> {
  if (module !== undefined) await findModule(context, `${module}@${context.version}`);
  cpSync(ownPrograms, context.scratch, { recursive: true });
  const lines = ['module tools', 'go 1.26.0', 'godebug default=go1.26'];
  if (module !== undefined) lines.push(`require ${module} ${context.version}`);
  writeFileSync(path.join(context.scratch, 'go.mod'), `${[...lines, ...replaces].join('\n')}\n`);
  await buildPrograms(context, context.scratch, build);
}

async function buildPrograms(context: InstallContext, folder: string, build: Build): Promise<void> {
  const { programs, tags, versionVariable } = build;
  const version = versionVariable === undefined ? '' : ` -X ${versionVariable}=${context.version}`;
  const options = ['-mod=mod', '-trimpath', '-ldflags', `-s -w${version}`];
  if (tags !== undefined) options.push('-tags', tags);
  for (const [name, main] of Object.entries(programs)) {
    context.say(`building ${name} (some minutes the first time)`);
    const command = go(['build', ...options, '-o', path.join(context.target, name), main], buildMs);
    await context.run({ ...command, cwd: folder, env: { ...env, ...build.env } });
  }
}

/** Builds the program at the root of a module that has no replace directives. */
export function goInstall(module: string): Source {
  return {
    files: [path.basename(path.dirname(module))],
    remedy: goRemedy,
    install: (context) => installProgram(context, `${module}@${context.version}`, context.target),
  };
}

/** @throws InstallError */
export async function installProgram(
  context: InstallContext,
  program: string,
  folder: string,
): Promise<void> {
  await findModule(context, program);
  context.say(`building ${program}`);
  await context.run({ ...go(['install', program], buildMs), env: { ...env, GOBIN: folder } });
}

/**
 * @param module `name@version`
 * @returns the read-only folder of the module
 * @throws InstallError
 */
export async function downloadModule(context: InstallContext, module: string): Promise<string> {
  await findModule(context, module);
  context.say(`downloading ${module}`);
  const output = await context.run(go(['mod', 'download', '-json', module], downloadMs));
  const { Dir, Error: problem } = JSON.parse(output) as { readonly Dir?: string; readonly Error?: string };
  if (Dir === undefined) throw new InstallError(problem ?? 'go mod download reported no folder');
  return Dir;
}

/** The first timeout of the module proxy. Later queries fail with this error at once. */
let timeout: InstallError | undefined;

/** Fails early if Go is not installed or the module proxy does not have the module. */
async function findModule(context: InstallContext, module: string): Promise<void> {
  const installed = go(['version'], queryMs);
  await context.run({ ...installed, env: { GOTOOLCHAIN: 'local' }, otherwise: 'Go is not installed' });
  if (timeout) throw timeout;
  const otherwise = `the Go module proxy has no ${module}`;
  await context.run({ ...go(['list', '-m', module], queryMs), otherwise }).catch((error: unknown) => {
    if (error instanceof InstallError && error.isTimeout) timeout = error;
    throw error;
  });
}

function go(args: readonly string[], limitMs: number) {
  return { program: 'go', args, env, limitMs, otherwise: `go ${args.slice(0, 2).join(' ')} failed` };
}
