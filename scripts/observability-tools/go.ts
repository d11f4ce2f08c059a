import path from 'node:path';
import { TooLateError, type Workshop } from './tool.js';

/** A program of a Go module that `go install` refuses: its go.mod replaces other modules. */
export interface GoProgram {
  readonly module: string;
  readonly version: string;
  /** Programs by the packages that build them. */
  readonly packages: Readonly<Record<string, string>>;
  readonly tags?: string;
  /** Arguments of `go mod edit`, before the build. */
  readonly edit?: readonly string[];
}

const askMs = 20_000;
const downloadMs = 180_000;
const buildMs = 900_000;
const env = { GOWORK: 'off', GOFLAGS: '-buildvcs=false' };

/**
 * Builds programs from a copy of their module.
 * @throws InstallError
 */
export async function buildGoProgram(workshop: Workshop, program: GoProgram): Promise<void> {
  const { module, version, packages, tags, edit } = program;
  const source = path.join(workshop.scratch, 'source');
  await findModule(workshop, `${module}@${version}`);
  workshop.say(`downloading ${module}`);
  const download = await go(workshop, ['mod', 'download', '-json', `${module}@${version}`], downloadMs);
  const { Dir } = JSON.parse(download) as { readonly Dir: string };
  await shell(workshop, 'cp', ['-R', Dir, source]);
  await shell(workshop, 'chmod', ['-R', 'u+w', source]);
  if (edit) await workshop.run({ ...goCommand(['mod', 'edit', ...edit], askMs), cwd: source });
  for (const [name, main] of Object.entries(packages)) {
    workshop.say(`building ${name} (some minutes the first time)`);
    const options = ['-mod=mod', '-trimpath', '-ldflags', '-s -w', ...(tags ? ['-tags', tags] : [])];
    const args = ['build', ...options, '-o', path.join(workshop.target, name), main];
    await workshop.run({ ...goCommand(args, buildMs), cwd: source });
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

let silence: TooLateError | undefined;

/** Fails soon where there is no Go, or no network; a proxy that does not answer is asked once. */
async function findModule(workshop: Workshop, module: string): Promise<void> {
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

export function goCommand(args: readonly string[], limitMs: number) {
  return { program: 'go', args, env, limitMs, otherwise: `go ${args[0]} ${args[1] ?? ''} failed` };
}

function go(workshop: Workshop, args: readonly string[], limitMs: number): Promise<string> {
  return workshop.run(goCommand(args, limitMs));
}

async function shell(workshop: Workshop, program: string, args: readonly string[]): Promise<void> {
  await workshop.run({ program, args, limitMs: askMs * 3, otherwise: `${program} failed` });
}
