import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadEnvironment } from '../../pkg/config/index.js';
import { isInContext } from './build-context.js';
import type { Dockerfile, Instruction } from './dockerfile.js';

/** Commands that are run as they stand; a base image's own files are not there to be changed. */
const ours = /^npm /;
const ofTheBaseImage = /^rm -rf( \/usr\/local\/\S+)+$/;

/** The folders that a Dockerfile's stages make, made without a container engine. */
export class ImageTrees {
  readonly #file: Dockerfile;
  /** Holds all of them, and may be read by everybody. */
  readonly folder = mkdtempSync(path.join(tmpdir(), 'order-processing-image-'));
  readonly #built = new Map<string, Promise<string>>();

  constructor(file: Dockerfile) {
    this.#file = file;
    chmodSync(this.folder, 0o755);
  }

  /** The root folder of an image, by the name of its stage. */
  build(stage: string): Promise<string> {
    const built = this.#built.get(stage) ?? this.#make(stage);
    this.#built.set(stage, built);
    return built;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #make(name: string): Promise<string> {
    const { from, instructions } = this.#file.stage(name);
    const root = path.join(this.folder, name);
    mkdirSync(root);
    const base = this.#file.stages.find((stage) => stage.name === from);
    if (base) cpSync(await this.build(from), root, { recursive: true });
    for (const instruction of instructions) await this.#apply(instruction, root);
    return root;
  }

  async #apply(instruction: Instruction, root: string): Promise<void> {
    const app = path.join(root, 'app');
    switch (instruction.name) {
      case 'WORKDIR':
        if (instruction.text !== '/app') throw new Error(`another folder than /app: ${instruction.text}`);
        mkdirSync(app, { recursive: true });
        return;
      case 'COPY':
        return this.#copy(instruction, root);
      case 'RUN':
        return run(instruction.text, app);
      case 'ADD':
        throw new Error('ADD may fetch and unpack: use COPY');
      default:
    }
  }

  async #copy({ text, flags }: Instruction, root: string): Promise<void> {
    const names = text.split(' ');
    const target = names.pop() ?? '';
    const { from } = flags;
    const source = from === undefined ? undefined : await this.build(from);
    const into = path.resolve(root, 'app', target);
    for (const name of names) {
      const file = source === undefined ? path.resolve(name) : path.join(source, name);
      const place = target.endsWith('/') ? path.join(into, path.basename(name)) : into;
      const filter = source === undefined ? isInContext : undefined;
      if (filter?.(file) === false) throw new Error(`${name} is not in the build context`);
      cpSync(file, place, { recursive: true, ...(filter && { filter }) });
    }
  }
}

async function run(command: string, cwd: string): Promise<void> {
  if (ofTheBaseImage.test(command)) return;
  if (!ours.test(command)) throw new Error(`not known to be safe outside a container: ${command}`);
  const { PATH, HOME } = loadEnvironment();
  await promisify(execFile)('sh', ['-c', command], {
    cwd,
    env: { PATH, HOME, npm_config_prefer_offline: 'true' },
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** All files below a folder, by relative path, with their sizes in bytes. */
export function filesBelow(folder: string): Map<string, number> {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const files = names.map((name) => [name, statSync(path.join(folder, name))] as const);
  return new Map(files.filter(([, stat]) => stat.isFile()).map(([name, { size }]) => [name, size]));
}
