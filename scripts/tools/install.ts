import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from './run-command.js';
import { InstallError, type Workshop } from './workshop.js';

/** Where tools are installed. */
export const toolsFolder = path.resolve('.tools');

/** A tool that can be installed below a folder of this repository. */
export interface Installable {
  readonly name: string;
  /** Part of the folder's name: another version is installed anew. */
  readonly version: string;
  /** What would bring it where it cannot be installed. */
  readonly remedy: string;
  /**
   * Puts all that it brings into `workshop.target`.
   * @throws InstallError
   */
  install(workshop: Workshop): Promise<void>;
}

/** What is told of a tool that is not to be had. */
export interface Missing {
  readonly reason: string;
  readonly remedy: string;
}

type Say = Workshop['say'];

/** What `find` finds, if need be after an installation; or why there is nothing to be found. */
export async function findOrInstall<F>(
  tool: Installable,
  find: () => F | undefined,
  say: Say,
): Promise<F | Missing> {
  try {
    return find() ?? (await install(tool, say), find()) ?? raise(tool);
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    return { reason: error.message, remedy: tool.remedy };
  }
}

function raise(tool: Installable): never {
  throw new InstallError(`the installation left ${folderOf(tool)} incomplete`);
}

export function folderOf({ name, version }: Pick<Installable, 'name' | 'version'>): string {
  return path.join(toolsFolder, `${name}-${version}`);
}

/** Builds beside the place and moves there at the end: a folder that is there is complete. */
async function install(tool: Installable, say: Say): Promise<void> {
  const scratch = path.join(toolsFolder, 'scratch', tool.name);
  const log = path.join(toolsFolder, `${tool.name}.log`);
  const target = path.join(scratch, 'target');
  for (const stale of [log, scratch]) rmSync(stale, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  try {
    await tool.install({
      scratch,
      target,
      say,
      run: (command) => runCommand({ cwd: scratch, ...command }, { log, say }),
    });
    removeOthers(tool);
    renameSync(target, folderOf(tool));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Other versions of the same tool. */
function removeOthers({ name }: Installable): void {
  for (const entry of readdirSync(toolsFolder))
    if (entry.startsWith(`${name}-`)) rmSync(path.join(toolsFolder, entry), { recursive: true, force: true });
}
