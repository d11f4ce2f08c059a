import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';
import { environmentOf, execForm, last, type Dockerfile } from './dockerfile.js';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** A process of an image, started as a container engine would. */
export interface ImageProcess {
  readonly child: ChildProcess;
  output(): string;
  readonly ended: Promise<Ended>;
}

export interface ImageOptions {
  readonly file: Dockerfile;
  /** Name of the stage. */
  readonly image: string;
  /** The root folder of the image. */
  readonly root: string;
  /** The Node.js that stands for the one of the base image; the user of the image must reach it. */
  readonly node: string;
  /** What whoever runs the image sets. */
  readonly env?: Environment;
}

/** Starts the ENTRYPOINT of an image, with arguments behind it. */
export function startImage(options: ImageOptions, args: readonly string[] = []): ImageProcess {
  const entrypoint = execForm(last(options.file.lineage(options.image), 'ENTRYPOINT'));
  return start(options, [...entrypoint, ...args]);
}

/** Runs the HEALTHCHECK of an image to its end. */
export function checkHealth(options: ImageOptions): Promise<Ended> {
  return start(options, execForm(last(options.file.lineage(options.image), 'HEALTHCHECK'))).ended;
}

/** Nothing of this machine's environment gets in, and root becomes the user of the image. */
function start(
  { file, image, root, node, env }: ImageOptions,
  [program, ...args]: readonly string[],
): ImageProcess {
  if (program !== 'node') throw new Error(`not started by node: ${program}`);
  const lineage = file.lineage(image);
  const [uid, gid] = last(lineage, 'USER').text.split(':').map(Number);
  const child = spawn(node, args, {
    cwd: path.join(root, 'app'),
    env: { ...environmentOf(lineage), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 && { uid: uid ?? -1, gid: gid ?? -1 }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
  return { child, output: () => output, ended };
}
