import path from 'node:path';
import { InstallError, TooLateError, type Workshop } from './workshop.js';

export interface GoModule {
  readonly module: string;
  readonly version: string;
}

interface GoBuild {
  /** Programs by the packages that build them. */
  readonly packages: Readonly<Record<string, string>>;
  readonly tags?: string;
  /** Values of variables that the linker sets, such as the version. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program of a Go module that `go install` refuses: its go.mod replaces other modules. */
export interface GoProgram extends GoModule, GoBuild {
  /** Arguments of `go mod edit`, before the build. */
  readonly edit?: readonly string[];
}

/** What brings whatever is built here. */
export const goRemedy = 'Go (https://go.dev/dl) and its module proxy';

const askMs = 20_000;
const copyMs = 60_000;
const downloadMs = 300_000;
const buildMs = 1_500_000;
const env = { GOWORK: 'off', GOFLAGS: '-buildvcs=false' };

/**
 * Builds programs from a copy of their module.
 * @throws InstallError
 */
export async function buildGoProgram(workshop: Workshop, program: GoProgram): Promise<void> {
  const source = path.join(workshop.scratch, 'source');
  const folder = await downloadModule(workshop, program);
  const copy = { limitMs: copyMs, otherwise: 'the module cannot be copied' };
  await workshop.run({ program: 'cp', args: ['-R', folder, source], ...copy });
  await workshop.run({ program: 'chmod', args: ['-R', 'u+w', source], ...copy });
  if (program.edit)
    await workshop.run({ ...goCommand(['mod', 'edit', ...program.edit], askMs), cwd: source });
  await buildPackages(workshop, source, program);
}

/**
 * Builds packages of the module in `folder`.
 * @throws InstallError
 */
export async function buildPackages(workshop: Workshop, folder: string, build: GoBuild): Promise<void> {
  const { packages, tags, variables = {} } = build;
  const set = Object.entries(variables).map(([name, value]) => ` -X ${name}=${value}`);
  const options = [
    '-mod=mod',
    '-trimpath',
    '-ldflags',
    `-s -w${set.join('')}`,
    ...(tags ? ['-tags', tags] : []),
  ];
  for (const [name, main] of Object.entries(packages)) {
    workshop.say(`building ${name} (some minutes the first time)`);
    const command = goCommand(['build', ...options, '-o', path.join(workshop.target, name), main], buildMs);
    await workshop.run({ ...command, cwd: folder, env: { ...env, ...build.env } });
  }
}

/**
 * Builds the program that is the root of a Go module, as it is published, into `folder`.
 * @throws InstallError
 */
export async function installGoProgram(workshop: Workshop, program: string, folder: string): Promise<void> {
  await findModule(workshop, program);
  workshop.say(`building ${program}`);
  await workshop.run({ ...goCommand(['install', program], buildMs), env: { ...env, GOBIN: folder } });
}

/**
 * Downloads a Go module; returns its folder, which is not to be written to.
 * @throws InstallError
 */
export async function downloadModule(workshop: Workshop, { module, version }: GoModule): Promise<string> {
  const name = `${module}@${version}`;
  await findModule(workshop, name);
  workshop.say(`downloading ${name}`);
  const download = goCommand(['mod', 'download', '-json', name], downloadMs);
  const { Dir, Error: problem } = JSON.parse(await workshop.run(download)) as {
    readonly Dir?: string;
    readonly Error?: string;
  };
  if (Dir === undefined) throw new InstallError(problem ?? 'the download left no folder');
  return Dir;
}

let silence: TooLateError | undefined;

/**
 * Fails soon where there is no Go, or no network; a proxy that does not answer is asked once.
 * @throws InstallError
 */
export async function findModule(workshop: Workshop, module: string): Promise<void> {
  await workshop.run({
    program: 'go',
    args: ['version'],
    env: { GOTOOLCHAIN: 'local' },
    limitMs: askMs,
    otherwise: 'Go is not installed',
  });
  if (silence) throw silence;
  const otherwise = `the Go module proxy does not give ${module}`;
  await workshop.run({ ...goCommand(['list', '-m', module], askMs), otherwise }).catch((error: unknown) => {
    if (error instanceof TooLateError) silence = error;
    throw error;
  });
}

function goCommand(args: readonly string[], limitMs: number) {
  return { program: 'go', args, env, limitMs, otherwise: `go ${args[0]} ${args[1] ?? ''} failed` };
}
