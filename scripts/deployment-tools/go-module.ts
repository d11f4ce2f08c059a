import { goCommand } from '../observability-tools/go.js';
import { InstallError, type Workshop } from '../observability-tools/tool.js';

const downloadMs = 300_000;

/**
 * Downloads a Go module; returns its folder, which is not to be written to.
 * @throws InstallError
 */
export async function downloadModule(workshop: Workshop, module: string, version: string): Promise<string> {
  workshop.say(`downloading ${module}@${version}`);
  const text = await workshop.run({
    ...goCommand(['mod', 'download', '-json', `${module}@${version}`], downloadMs),
    otherwise: `Go or the module ${module}@${version} is not to be had`,
  });
  const { Dir, Error: problem } = JSON.parse(text) as { readonly Dir?: string; readonly Error?: string };
  if (Dir === undefined) throw new InstallError(problem ?? 'the download left no folder');
  return Dir;
}
