import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';
import { runCommand } from './run-command.js';
import { toolsFolder } from './inventory.js';
import { InstallError, type Found, type Tool } from './tool.js';

type Programs = Readonly<Record<string, string>>;

/** Finds the programs of a tool: named by variables, on the PATH, installed before; or installs them. */
export async function obtainTool(tool: Tool, env: Environment, say: (text: string) => void): Promise<Found> {
  const address = env[tool.addressVariable] ?? '';
  if (address !== '' && !tool.isNeededAnyway) return { programs: {}, address };
  try {
    const find = (): Programs | undefined => findPrograms(tool, env);
    return { programs: find() ?? (await install(tool, say), find()) ?? raise(tool) };
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    return { reason: error.message, remedy: remedyOf(tool) };
  }
}

function raise(tool: Tool): never {
  throw new InstallError(`the installation left no program in ${folderOf(tool)}`);
}

function remedyOf({ programs, addressVariable, name }: Tool): string {
  const variables = Object.values(programs).join(' and ');
  const source = `${name === 'prometheus' ? "Debian's package prometheus, or " : ''}Go (https://go.dev/dl) and its module proxy`;
  return `${source}; or ${variables}; or ${addressVariable} of a running one`;
}

/** @throws InstallError when a variable names something that is no program */
function findPrograms(tool: Tool, env: Environment): Programs | undefined {
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const found = Object.entries(tool.programs).map(([name, variable]) => {
    const given = env[variable] ?? '';
    if (given !== '' && !isProgram(given)) throw new InstallError(`${variable}=${given} is not a program`);
    const onPath = folders.map((folder) => path.join(folder, tool.onPath?.[name] ?? name));
    const places = given === '' ? [...onPath, path.join(folderOf(tool), name)] : [path.resolve(given)];
    return [name, places.find(isProgram)];
  });
  return found.every(([, file]) => file !== undefined) ? (Object.fromEntries(found) as Programs) : undefined;
}

/** Builds beside the place and moves there at the end: a folder that is there is complete. */
async function install(tool: Tool, say: (text: string) => void): Promise<void> {
  const scratch = path.join(toolsFolder, 'scratch', tool.name);
  const log = path.join(toolsFolder, `${tool.name}.log`);
  const target = path.join(scratch, 'programs');
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

function folderOf({ name, version }: Tool): string {
  return path.join(toolsFolder, `${name}-${version}`);
}

/** Other versions of the same tool. */
function removeOthers({ name }: Tool): void {
  for (const entry of readdirSync(toolsFolder))
    if (entry.startsWith(`${name}-`)) rmSync(path.join(toolsFolder, entry), { recursive: true, force: true });
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
