import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';
import { toolsFolder } from '../observability-tools/inventory.js';
import { runCommand } from '../observability-tools/run-command.js';
import { InstallError } from '../observability-tools/tool.js';
import type { Found, Tool } from './tool.js';

/** Finds a tool on the PATH or where it was installed before; or installs it. */
export async function obtainTool(tool: Tool, env: Environment, say: (text: string) => void): Promise<Found> {
  try {
    const find = (): Found | undefined => findOnPath(tool, env) ?? findInstalled(tool);
    return find() ?? (await install(tool, say), find()) ?? raise(tool);
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    return { reason: error.message, remedy: tool.remedy, checks: tool.checks };
  }
}

function raise(tool: Tool): never {
  throw new InstallError(`the installation left ${folderOf(tool)} incomplete`);
}

function findOnPath({ onPath }: Tool, env: Environment): Found | undefined {
  if (!onPath) return undefined;
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const places = onPath.map((name) => folders.map((folder) => path.join(folder, name)).find(existsSync));
  return asFound(onPath, places);
}

function findInstalled(tool: Tool): Found | undefined {
  const places = tool.files.map((name) => path.join(folderOf(tool), name));
  return asFound(
    tool.files,
    places.map((place) => (existsSync(place) ? place : undefined)),
  );
}

function asFound(names: readonly string[], places: readonly (string | undefined)[]): Found | undefined {
  if (places.includes(undefined)) return undefined;
  return { files: Object.fromEntries(names.map((name, index) => [name, places[index] ?? ''])) };
}

/** Builds beside the place and moves there at the end: a folder that is there is complete. */
async function install(tool: Tool, say: (text: string) => void): Promise<void> {
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
    for (const entry of readdirSync(toolsFolder))
      if (entry.startsWith(`${tool.name}-`)) rmSync(path.join(toolsFolder, entry), { recursive: true });
    renameSync(target, folderOf(tool));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function folderOf({ name, version }: Tool): string {
  return path.join(toolsFolder, `${name}-${version}`);
}
